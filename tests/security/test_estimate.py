"""The estimate of what a request may cost."""

from typing import Any

import pytest

from tests.calls import call_of
from tests.gateways import dry_run
from vgate.security.estimate import UNKNOWN_CONTEXT, upper_tokens
from vgate.types import Endpoint

TEXT = [{"role": "user", "content": "word " * 100}]
CONTEXT = 4096


def weigh(endpoint: Endpoint = "chat", context: int | None = CONTEXT, unset: int | None = None, **body: Any) -> int:
    return upper_tokens(call_of(body, endpoint), 0.5, unset, context)


def test_the_prompt_by_its_bytes_and_the_longest_answer() -> None:
    prompt = weigh(messages=TEXT, max_tokens=1) - 1
    assert 250 < prompt < 350
    assert weigh(messages=TEXT, max_tokens=100) == pytest.approx(prompt + 100, abs=3)
    assert weigh(messages=TEXT, max_completion_tokens=100, max_tokens=7) == pytest.approx(prompt + 100, abs=20)


@pytest.mark.parametrize("field", ["n", "best_of"])
def test_each_choice_may_be_as_long(field: str) -> None:
    assert weigh(messages=TEXT, max_tokens=100, **{field: 5}) - weigh(messages=TEXT, max_tokens=100) > 390


def test_each_of_several_prompts_is_answered() -> None:
    one = weigh("completions", prompt="a", max_tokens=100)
    assert weigh("completions", prompt=["a", "b", "c"], max_tokens=100) > one + 190
    assert weigh("completions", prompt=[[1, 2], [3]], max_tokens=100) > one + 90
    assert weigh("completions", prompt=[1, 2, 3], max_tokens=100) < one + 20


def test_without_a_length_the_rest_of_the_context() -> None:
    assert weigh(messages=TEXT) == CONTEXT
    assert weigh(messages=TEXT, n=2) == 2 * CONTEXT
    assert weigh(messages=TEXT, unset=50) == pytest.approx(weigh(messages=TEXT, max_tokens=50), abs=20)
    assert weigh(messages=TEXT, context=None) > UNKNOWN_CONTEXT


def test_prompt_and_answer_are_no_longer_than_the_context() -> None:
    assert weigh(messages=[{"role": "user", "content": "x" * 10**6}], max_tokens=10) == CONTEXT
    assert weigh(messages=TEXT, max_tokens=10**9) == CONTEXT


def test_embeddings_are_their_prompt() -> None:
    assert 100 < weigh("embeddings", input=["word " * 50]) < 180
    assert weigh("embeddings", input="x" * 100_000) > 50_000


@pytest.mark.parametrize("value", [5, 5.0, "5", " 5 ", "5.0"])
def test_R6_numbers_are_read_as_vllm_reads_them(value: Any) -> None:
    """Who writes `"n": "5"` would else have five answers for the price of one, until they are counted."""
    each: list[dict[str, Any]] = [{"n": value}, {"best_of": value}, {"max_completion_tokens": value, "max_tokens": 1}]
    for fields in each:
        as_number = {name: 5 if given is value else given for name, given in fields.items()}
        common = {"messages": TEXT, "max_tokens": 100}
        assert weigh("chat", **common | fields) == pytest.approx(weigh("chat", **common | as_number), abs=2)


@pytest.mark.parametrize("value", ["x", "", "nan", "1e999", -5, 0, None, [5], {}])
def test_what_is_no_number_is_not_counted_and_does_not_fail(value: Any) -> None:
    assert weigh(messages=TEXT, max_tokens=value) == CONTEXT
    assert weigh(messages=TEXT, max_tokens=10, n=value) < 400
    assert weigh("completions", prompt=value, max_tokens=10) < 100


@pytest.mark.parametrize("length", [None, 5, 60])
async def test_R6_it_is_no_less_than_what_the_engine_would_make(length: int | None) -> None:
    engine = await dry_run(model={"model_id": "m", "served_model_name": "test", "max_model_len": 512})
    for number in (1, 3):
        body = {"model": "test", "messages": TEXT, "n": number, **({"max_tokens": length} if length else {})}
        call = call_of(body, "chat")
        job = await engine.prepare(call)
        assert upper_tokens(call, 0.5, None, 512) >= job.prompt_tokens + job.max_tokens
