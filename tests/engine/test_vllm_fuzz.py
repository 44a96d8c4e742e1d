"""Request fields that are nearly right against real vLLM: each is answered, with 200 or with an error that says why.

FUZZ_CASES and FUZZ_SEED set how many and which, see `tests/fuzz/budget.py`.
"""

import time
from collections import Counter
from random import Random
from typing import Any

import httpx
import pytest

from tests.fuzz.bodies import Raw, odd, written
from tests.fuzz.budget import cases, share
from tests.fuzz.judge import is_error
from tests.servers import Server

pytestmark = pytest.mark.vllm

#: Longer than the longest of these answers takes; most take milliseconds.
PATIENCE_S = 20.0
HELLO = [{"role": "user", "content": "Tell me about rivers"}]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": HELLO, "max_tokens": 3},
    "/v1/completions": {"prompt": "Rivers", "max_tokens": 3},
}
NAMES = """
    model messages prompt max_tokens max_completion_tokens min_tokens n best_of seed stop stop_token_ids stream suffix
    stream_options temperature top_p top_k min_p frequency_penalty presence_penalty repetition_penalty length_penalty
    logit_bias logprobs top_logprobs prompt_logprobs response_format structured_outputs tools tool_choice echo user
    parallel_tool_calls truncate_prompt_tokens add_generation_prompt continue_final_message chat_template documents
    chat_template_kwargs ignore_eos skip_special_tokens spaces_between_special_tokens priority allowed_token_ids store
    include_stop_str_in_output bad_words use_beam_search reasoning_effort vllm_xargs cache_salt kv_transfer_params
    logits_processors return_token_ids return_tokens_as_token_ids metadata include_reasoning add_special_tokens
    mm_processor_kwargs service_tier guided_regex made_up
"""
FIELDS = NAMES.split()
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, -2, 2, 0.5, -0.5, 1e308, 2**31, 2**63 - 1, 2**63, -(2**63)),
    *("", "x", "auto", "none", "required", "\x00", "🙂", "a" * 5000, "{{ x", "{% for %}", "{{ 1 / 0 }}"),
    *([], [0], [-1], [2**31], [1.5], ["x"], [""], [None], [[]], ["x"] * 2000, list(range(3000))),
    *({}, {"0": 1}, {"-1": 1}, {"99999999": 100}, {"x": 1}, {"0": "x"}, {"type": "json_object"}, {"type": "x"}),
    *({"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "array", "items": {"$ref": "#"}}}},),
    *({"json": {}}, {"regex": "("}, {"regex": "a{1000}{1000}"}, {"choice": []}, {"grammar": "root ::="}, {"json": "x"}),
    *([{"type": "function", "function": {"name": "f"}}], [{"role": "king", "content": "x"}], [{"role": "user"}]),
    *([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}],),
    *([{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "eA==", "format": "wav"}}]}],),
    *([{"role": "assistant", "content": None, "tool_calls": [{"id": 1}]}], [{"role": "tool", "content": "x"}]),
]


def body(dice: Random) -> tuple[str, bytes]:
    """A right body with one to three fields of any value."""
    path = dice.choice(list(BODIES))
    fields = dict(BODIES[path])
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        value = dice.choice(VALUES) if dice.random() < 0.7 else odd(dice)
        fields[dice.choice(FIELDS)] = value
    if dice.random() < 0.3:
        fields["stream"] = True
    return path, written(dice, fields).encode("utf-8", "surrogatepass")


def complaint(answer: httpx.Response) -> str:
    """What is wrong with it, "" for nothing."""
    if answer.status_code >= 500:
        return f"status {answer.status_code}: {answer.text[:400]}"
    if answer.status_code >= 400:
        return "" if is_error(answer.json()) else f"not in OpenAI's form: {answer.text[:400]}"
    if answer.headers["content-type"].startswith("text/event-stream"):
        return "" if answer.text.endswith("data: [DONE]\n\n") else f"broke off: {answer.text[-400:]}"
    return "" if answer.json()["choices"] else f"no choices: {answer.text[:400]}"


def said(client: httpx.Client) -> str:
    answer = client.post("/v1/chat/completions", json={"messages": HELLO, "max_tokens": 8, "temperature": 0})
    return str(answer.json()["choices"])


@pytest.mark.timeout(1800)
def test_O2_no_field_of_any_value_fails_inside_vllm(vllm_server: Server) -> None:
    vllm_server.swap(cache={"_target_": "vgate.cache.none.NoCache"}, dedup={"_target_": "vgate.dedup.none.NoDedup"})
    wrong, seen = [], Counter[int]()
    with httpx.Client(base_url=vllm_server.base_url, timeout=PATIENCE_S) as client:
        before = said(client)
        for name, dice in cases(share(0.03), "vllm"):
            path, content = body(dice)
            begun = time.monotonic()
            try:
                answer = client.post(path, content=content, headers={"content-type": "application/json"})
            except httpx.TimeoutException:
                wrong.append(f"{name}: no end in {PATIENCE_S:g} s\n    sent {content[:1500]!r}")
                continue
            seen[answer.status_code] += 1
            found = complaint(answer)
            if found:
                wrong.append(f"{name}: {found} after {time.monotonic() - begun:.1f} s\n    sent {content[:1500]!r}")
        assert "\n".join(wrong) == "", dict(seen)
        assert said(client) == before
    assert vllm_server.metric("vgate_engine_deaths_total") == 0
    assert vllm_server.metric("vgate_engine_running") == 0


def test_values_that_are_no_json_are_sent_as_they_are() -> None:
    assert "NaN" in written(Random(0), {"a": Raw("NaN")})
