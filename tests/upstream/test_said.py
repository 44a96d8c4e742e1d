"""Which streams could go on elsewhere, and when a stream is whole."""

from typing import Any

import pytest

from tests.calls import chat
from tests.upstream.test_unbroken import WHOLE, cut, good, heard, mine
from tests.upstream.wires import Server, Workers, chunk, usage
from vgate import sse
from vgate.errors import ApiError

NOT_CONTINUED: dict[str, tuple[dict[str, Any], str]] = {
    "drawn at random": ({"temperature": 1}, "drawn at random"),
    "no temperature": ({"temperature": None}, "drawn at random"),
    "seeded": ({"temperature": 1, "seed": 3}, "drawn at random"),
    "several choices": ({"n": 2}, "several choices"),
    "tools": ({"tools": [{"type": "function"}]}, "tools"),
    "logprobs": ({"logprobs": True}, "logprobs"),
    "structured": ({"response_format": {"type": "json_object"}}, "response_format"),
    "unknown": ({"shiny": 1}, "shiny"),
}


@pytest.mark.parametrize(("fields", "why"), NOT_CONTINUED.values(), ids=NOT_CONTINUED)
async def test_S6_what_cannot_go_on_for_sure_ends_with_an_error_that_says_why(fields: dict[str, Any], why: str) -> None:
    workers, out = Workers(Server(cut(5)), Server(good())), []  # type: tuple[Workers, list[bytes]]
    with pytest.raises(ApiError, match=why) as caught:
        await heard(workers, chat(stream=True, **fields), out)
    assert (caught.value.status, caught.value.code) == (502, "stream_broken")
    assert out == mine(WHOLE[:5])
    assert (workers.continuations, len(workers.leases), workers.retries) == (0, 1, 10)


def one_of_two(index: int, reason: str | None) -> bytes:
    return chunk({"content": "x"}, reason).replace(b'"index":0', b'"index":%d' % index)


UNFINISHED: dict[str, tuple[dict[str, Any], list[bytes]]] = {
    "after words": ({}, WHOLE[:5]),
    "with usage": ({}, [*WHOLE[:5], usage(3, 4)]),
    "with a text that looks like it": ({}, [*WHOLE[:5], chunk({"content": '"finish_reason":"stop"'})]),
    "of two choices one": ({"n": 2}, [one_of_two(0, None), one_of_two(1, None), one_of_two(0, "stop"), usage(3, 4)]),
    "tools": ({"tools": [{"type": "function"}]}, WHOLE[:5]),
}


@pytest.mark.parametrize(("fields", "stream"), UNFINISHED.values(), ids=UNFINISHED)
async def test_S6_no_stream_is_whole_that_has_not_said_why_it_ends(fields: dict[str, Any], stream: list[bytes]) -> None:
    out: list[bytes] = []
    for end in ([sse.DONE], []):
        with pytest.raises(ApiError, match="ended its stream before its end") as caught:
            await heard(Workers(Server(good([*stream, *end]))), chat(stream=True, temperature=1, **fields), out)
        assert (caught.value.status, caught.value.code, sse.DONE in out) == (502, "stream_broken", False)


async def test_several_choices_end_when_each_has() -> None:
    two = [*UNFINISHED["of two choices one"][1][:3], one_of_two(1, "length"), sse.DONE]
    assert len(await heard(Workers(Server(good(two))), chat(stream=True, temperature=1, n=2))) == 5
    only = [one_of_two(0, None), one_of_two(0, "stop"), sse.DONE]  # of a server that makes one whatever is asked
    assert len(await heard(Workers(Server(good(only))), chat(stream=True, n=2))) == 3
