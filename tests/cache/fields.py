"""Request fields, as vLLM knows them, that can change an answer: each with two different values.

`stream` and `stream_options` choose how an answer is sent: see tests/test_forms.py for when they are part of the key.
"""

from typing import Any

_TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
_OTHER_TOOL = {"type": "function", "function": {"name": "find", "parameters": {"type": "object", "properties": {}}}}
_ASKED = {"role": "user", "content": "hello"}

# On both generating endpoints.
_COMMON: dict[str, tuple[Any, Any]] = {
    "model": ("base", "adapter"),
    "temperature": (0, 0.5),
    "top_p": (1.0, 0.9),
    "top_k": (-1, 5),
    "min_p": (0.0, 0.1),
    "n": (1, 2),
    "best_of": (1, 2),
    "seed": (0, 1),
    "stop": ("a", "b"),
    "stop_token_ids": ([1], [2]),
    "include_stop_str_in_output": (False, True),
    "max_tokens": (16, 17),
    "min_tokens": (0, 1),
    "ignore_eos": (False, True),
    "frequency_penalty": (0.0, 0.5),
    "presence_penalty": (0.0, 0.5),
    "repetition_penalty": (1.0, 1.1),
    "length_penalty": (1.0, 1.1),
    "logit_bias": ({"5": 1.0}, {"5": 2.0}),
    "bad_words": (["a"], ["b"]),
    "allowed_token_ids": ([1, 2], [1, 3]),
    "logprob_token_ids": ([1], [2]),
    "prompt_logprobs": (1, 2),
    "use_beam_search": (False, True),
    "response_format": ({"type": "text"}, {"type": "json_object"}),
    "structured_outputs": ({"choice": ["a", "b"]}, {"choice": ["b", "a"]}),
    "guided_json": ({"type": "object"}, {"type": "array"}),
    "skip_special_tokens": (True, False),
    "spaces_between_special_tokens": (True, False),
    "add_special_tokens": (True, False),
    "truncate_prompt_tokens": (10, 11),
    "truncation_side": ("left", "right"),
    "echo": (False, True),
    "thinking_token_budget": (10, 11),
    "repetition_detection": ({"max_repetitions": 3}, {"max_repetitions": 4}),
    "watermarking": (False, True),
    "vllm_xargs": ({"a": 1}, {"a": 2}),
    "kv_transfer_params": ({"a": 1}, {"a": 2}),
    "cache_salt": ("a", "b"),
    "return_token_ids": (False, True),
    "return_tokens_as_token_ids": (False, True),
    "stream_interval": (1, 2),
    "user": ("ann", "bob"),
    "extra_body": ({"a": 1}, {"a": 2}),
}
CHAT = _COMMON | {
    "messages": ([_ASKED], [{"role": "user", "content": "Hello"}]),
    "max_completion_tokens": (16, 17),
    "logprobs": (False, True),
    "top_logprobs": (1, 2),
    "tools": ([_TOOL], [_OTHER_TOOL]),
    "tool_choice": ("auto", "required"),
    "parallel_tool_calls": (True, False),
    "reasoning_effort": ("low", "high"),
    "include_reasoning": (True, False),
    "add_generation_prompt": (True, False),
    "continue_final_message": (False, True),
    "chat_template": ("{{ messages }}", "{{ messages[0] }}"),
    "chat_template_kwargs": ({"enable_thinking": True}, {"enable_thinking": False}),
    "documents": ([{"text": "a"}], [{"text": "b"}]),
    "mm_processor_kwargs": ({"size": 1}, {"size": 2}),
    "media_io_kwargs": ({"image": {"size": 1}}, {"image": {"size": 2}}),
    "return_prompt_text": (False, True),
}
COMPLETIONS = _COMMON | {
    "prompt": ("hello", "Hello"),
    "suffix": ("a", "b"),
    "logprobs": (1, 2),
    "prompt_embeds": ("AAAA", "AAAB"),
}
EMBEDDINGS: dict[str, tuple[Any, Any]] = {
    "model": ("base", "adapter"),
    "input": (["a", "b"], ["b", "a"]),
    "dimensions": (64, 32),
    "encoding_format": ("float", "base64"),
    "truncate_prompt_tokens": (10, 11),
    "add_special_tokens": (True, False),
    "user": ("ann", "bob"),
}

_CALLED = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
_SYSTEM = {"role": "system", "content": "Be brief."}
_USUAL: list[dict[str, Any]] = [
    _SYSTEM,
    {"role": "user", "name": "ann", "content": "hello"},
    {"role": "assistant", "content": None, "tool_calls": [_CALLED]},
    {"role": "tool", "tool_call_id": "call_1", "content": "seen"},
]


def _with(position: int, **changes: Any) -> list[dict[str, Any]]:
    return [{**message, **changes} if at == position else message for at, message in enumerate(_USUAL)]


MESSAGES: dict[str, list[dict[str, Any]]] = {
    "as it is": [dict(message) for message in _USUAL],
    "system prompt": _with(0, content="Be long."),
    "role": _with(0, role="developer"),
    "name": _with(1, name="bob"),
    "content as parts": _with(1, content=[{"type": "text", "text": "hello"}]),
    "tool call": _with(2, tool_calls=[{**_CALLED, "function": {"name": "look", "arguments": '{"at": 1}'}}]),
    "tool_call_id": _with(3, tool_call_id="call_2"),
    "tool result": _with(3, content="not seen"),
    "order": [*_USUAL[1:], _SYSTEM],
    "one left out": _USUAL[1:],
    "one more": [*_USUAL, {"role": "user", "content": ""}],
}
