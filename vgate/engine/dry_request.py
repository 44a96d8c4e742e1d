"""Reading a request for the dry-run engine: what it honours, and what it would say."""

import hashlib
from dataclasses import dataclass, field

import orjson

from vgate.engine.dry_shapes import SHAPES, Chat, Common, Completion, Message, Part, validated
from vgate.engine.dry_words import count_words
from vgate.engine.fields import refuse_unknown, refuse_unsupported
from vgate.errors import ApiError, BadRequest
from vgate.types import Call

DEFAULT_TOKENS = 128
_WORDS = [
    "a",
    "the",
    "one",
    "this",
    "each",
    "every",
    "some",
    "any",
    "and",
    "or",
    "but",
    "so",
    "then",
    "thus",
    "when",
    "where",
    "while",
    "until",
    "after",
    "before",
    "because",
    "although",
    "small",
    "large",
    "bright",
    "quiet",
    "steady",
    "sudden",
    "early",
    "late",
    "open",
    "plain",
    "river",
    "stone",
    "window",
    "garden",
    "letter",
    "engine",
    "signal",
    "number",
    "answer",
    "question",
    "morning",
    "evening",
    "harbour",
    "market",
    "winter",
    "summer",
    "stands",
    "moves",
    "turns",
    "opens",
    "closes",
    "carries",
    "follows",
    "leads",
    "holds",
    "finds",
    "keeps",
    "gives",
    "takes",
    "makes",
    "reads",
    "writes",
    "slowly",
    "quickly",
    "often",
    "seldom",
    "always",
    "never",
    "near",
    "far",
    "above",
    "below",
    # Of two, three and four bytes in UTF-8: what cuts a stream in pieces cuts these too.
    "café",
    "naïve",
    "übrig",
    "später",
    "речка",
    "東京",
    "hello🙂",
]
_SPACED = [f" {word}" for word in _WORDS]
_NO_MODEL = "the dry-run engine has no model"
_NEEDS_MODEL = [
    "tools",
    "tool_choice",
    "response_format",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "frequency_penalty",
    "presence_penalty",
    "parallel_tool_calls",
    "top_k",
    "min_p",
    "structured_outputs",
    "echo",
    "suffix",
    "best_of",
]


@dataclass(frozen=True)
class DryRequest:
    """What is to be said: per choice its words (tokens) and why it ends.

    max_tokens: what was asked for in all choices; a stop string may end one earlier.
    """

    prompt_tokens: int
    choices: list[list[str]] = field(default_factory=list)
    finish_reasons: list[str] = field(default_factory=list)
    max_tokens: int = 0


def read_request(call: Call, model: str, max_model_len: int) -> DryRequest:
    """Raises ApiError for what vLLM would refuse too, and for fields that need a model."""
    shape = SHAPES[call.endpoint]
    refuse_unsupported(call.body, dict.fromkeys(_NEEDS_MODEL, _NO_MODEL))
    refuse_unknown(call.body, shape.model_fields)
    request = validated(shape, call.body)
    if call.body.get("model") not in (None, model):
        raise ApiError(
            404,
            f"The model `{str(call.body['model'])[:80]}` does not exist. Served: {model}",
            "not_found_error",
            "model",
        )
    assert isinstance(request, Chat | Completion)  # there are no other shapes
    return _generation(request, max_model_len)


def _generation(request: Chat | Completion, max_model_len: int) -> DryRequest:
    if request.stream_options and not request.stream:
        raise BadRequest("stream_options can only be set with stream=true", "stream_options")
    prompt, begun = _prompt_text(request), _begun(request)
    prompt_tokens = max(1, count_words(prompt)) + begun
    wanted = (request.max_completion_tokens if isinstance(request, Chat) else None) or request.max_tokens
    room = max_model_len - prompt_tokens
    if room < (wanted or 1):
        raise BadRequest(
            f"This model's maximum context length is {max_model_len} tokens, but the prompt has {prompt_tokens} "
            f"and {wanted or 1} are to be generated.",
            "messages" if isinstance(request, Chat) else "prompt",
            "context_length_exceeded",
        )
    tokens = wanted or min(max(1, DEFAULT_TOKENS - begun), room)
    said = [_say(prompt, request, choice, tokens, begun) for choice in range(request.n or 1)]
    words, reasons = [words for words, _ in said], [reason for _, reason in said]
    return DryRequest(prompt_tokens, words, reasons, max_tokens=tokens * len(said))


def _joined(parts: list[Part]) -> str:
    return " ".join(part.text for part in parts)


def _begun(request: Chat | Completion) -> int:
    """How many words of the answer are there already, as the final message, which is to be continued."""
    if not isinstance(request, Chat) or not request.continue_final_message:
        return 0
    return count_words(_content(request.messages[-1]))


def _content(message: Message) -> str:
    return message.content if isinstance(message.content, str) else _joined(message.content)


def _prompt_text(request: Chat | Completion) -> str:
    """The text that is answered: an answer that is to be continued is no part of it."""
    if isinstance(request, Chat):
        messages = request.messages[:-1] if request.continue_final_message else request.messages
        parts = [(f"{m.role} {m.name or ''}".rstrip(), _content(m)) for m in messages]
        return " ".join(f"{speaker}: {text}" for speaker, text in parts)
    if isinstance(request.prompt, str):
        return request.prompt
    if len(request.prompt) > 1 and isinstance(request.prompt[0], str):
        raise BadRequest("A list of several prompts is not supported by the dry-run engine.", "prompt")
    return " ".join(str(part) for part in request.prompt)


def _say(prompt: str, request: Common, choice: int, tokens: int, begun: int) -> tuple[list[str], str]:
    """Words drawn from a hash of everything that may change them, cut at the first stop string.

    begun: so many words of the same answer have been said. It goes on from there as it would have without a break.
    """
    identity = orjson.dumps([prompt, request.seed, request.temperature, request.top_p, choice])
    words = _draw(identity, begun + tokens)
    stops = [request.stop] if isinstance(request.stop, str) else request.stop or []
    text = "".join(words)
    ends = [at for at in (text.find(stop) for stop in stops) if at >= 0]
    all_of_it, reason = (_cut(words, min(ends)), "stop") if ends else (words, "length")
    return all_of_it[begun:] or [""], reason


def _draw(identity: bytes, count: int) -> list[str]:
    numbers = hashlib.shake_128(identity).digest(count)
    first, *others = numbers
    return [_WORDS[first % len(_WORDS)], *(_SPACED[number % len(_WORDS)] for number in others)]


def _cut(words: list[str], length: int) -> list[str]:
    kept: list[str] = []
    for word in words:
        kept.append(word[: max(0, length)])
        length -= len(word)
        if length <= 0:
            return kept
    return kept
