"""An engine's stream in pieces of any size and any of SSE's line ends: the same events come out."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgate import clock, sse
from vgate.errors import ApiError
from vgate.types import Event, Usage

SAID = ["naïve", " 東京", " \U0001f600", " a\nb", ' "q"', " data: [DONE]\n\n", "\u2028", ' "delta":{"content":"', ""]
USAGE = {"prompt_tokens": 3, "completion_tokens": 7}


def chunk(delta: Any, reason: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **fields}


def stream(*said: str) -> list[dict[str, Any]]:
    """A chat's chunks: role, text, an empty one with the reason, usage."""
    role = chunk({"role": "assistant", "content": ""})
    return [role, *(chunk({"content": text}) for text in said), chunk({}, "stop"), {"choices": [], "usage": USAGE}]


def framed(chunks: Iterable[Any], end: bytes = b"\n", comment: bytes = b"", compact: bool = True) -> bytes:
    """Chunks on the wire, with this line end; JSON compact or with blanks, in UTF-8."""
    separators = (",", ":") if compact else (", ", ": ")
    bodies = [json.dumps(c, ensure_ascii=False, separators=separators).encode() for c in chunks]
    return b"".join(comment + b"data: " + body + end + end for body in [*bodies, b"[DONE]"])


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    at = [0, *sorted(places), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(at)]


def read(pieces: Iterable[bytes], wants_usage: bool = False) -> list[Event]:
    async def raw() -> AsyncIterator[bytes]:
        for piece in pieces:
            await asyncio.sleep(0)
            yield piece

    async def events() -> list[Event]:
        return [event async for event in sse.metered(raw(), stream=True) if wants_usage or not event.counts]

    return clock.run(events())


def events_of(data: bytes, *, wants_usage: bool = False) -> list[Event]:
    """Read whole event by whole event, the way engines write."""
    return read([event + b"\n\n" for event in data.split(b"\n\n")[:-1]], wants_usage)


WHOLE = framed(stream(*SAID))
EXPECTED = events_of(WHOLE)


def test_S13_whole_events_pass_byte_for_byte() -> None:
    assert b"".join(event.data for event in events_of(WHOLE, wants_usage=True)) == WHOLE


def test_S11_only_events_that_say_something_are_content() -> None:
    """Not the role, not an empty text, not the finish, whatever came before them."""
    said = [bool(text) for text in SAID]
    assert [event.content for event in EXPECTED] == [False, *said, False, False]
    assert EXPECTED[-1].usage == Usage(3, 7)


def test_S7_one_byte_at_a_time() -> None:
    assert read(cut(WHOLE, range(1, len(WHOLE)))) == EXPECTED


@given(st.lists(st.integers(0, len(WHOLE)), max_size=60))
def test_S7_pieces_cut_anywhere_give_the_same_events(places: list[int]) -> None:
    """Also within a character, within `data:`, several events in one piece, and empty pieces."""
    assert read(cut(WHOLE, places)) == EXPECTED


@given(
    said=st.lists(st.text(max_size=8), max_size=5),
    end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    comment=st.sampled_from([b"", b": keep-alive\n\n", b":\r\n", b":\n", b"event: chunk\n: x\n"]),
    compact=st.booleans(),
    data=st.data(),
)
def test_S7_any_line_ends_comments_and_blanks_in_the_json(
    said: list[str], end: bytes, comment: bytes, compact: bool, data: st.DataObject
) -> None:
    plain = events_of(framed(stream(*said)))
    wire = framed(stream(*said), end, comment, compact)
    got = read(cut(wire, data.draw(st.lists(st.integers(0, len(wire)), max_size=20))))
    assert [(event.content, event.usage) for event in got] == [(event.content, event.usage) for event in plain]
    assert [sse.decode(event.data) for event in got[:-1]] == [sse.decode(event.data) for event in plain[:-1]]
    assert got[-1].data == sse.DONE
    assert all(event.data.endswith(b"\n\n") and b"\r" not in event.data for event in got)


def test_S7_json_over_several_data_lines_becomes_one() -> None:
    wire = b'data:{"choices":\ndata: [{"delta":\r\ndata: {"content":"a"}}]}\n\n' + sse.DONE
    first, _ = read([wire])
    assert first == Event(b'data: {"choices": [{"delta": {"content":"a"}}]}\n\n', content=True)


def test_S13_other_fields_of_an_event_are_kept() -> None:
    wire = b'event: chunk\nid: 3\ndata: {"choices":[]}\n\n'
    assert read([wire, sse.DONE])[0].data == wire


def test_S7_a_byte_order_mark_and_fields_without_data_say_nothing() -> None:
    wire = b"\xef\xbb\xbf" + framed(stream("a"))
    assert read([b"retry: 10\n\n", wire]) == events_of(framed(stream("a")))


@pytest.mark.parametrize("tail", [b"data: [DONE]", b"data: [DONE]\n", b"data:[DONE]\r\n", b"data: [DONE]\r"])
def test_done_ends_a_stream_also_without_its_blank_line(tail: bytes) -> None:
    assert read([WHOLE.removesuffix(sse.DONE), tail]) == EXPECTED


@pytest.mark.parametrize("wants_usage", [True, False])
@pytest.mark.parametrize("compact", [True, False])
def test_S8_usage_goes_on_only_where_asked_for_in_any_spacing(wants_usage: bool, compact: bool) -> None:
    events = read([framed(stream("a"), compact=compact)], wants_usage)
    assert [b'"usage"' in event.data for event in events].count(True) == wants_usage
    assert events[-1].usage == Usage(3, 7)


def test_S8_a_chunk_without_choices_that_counts_nothing_is_passed_on() -> None:
    """Some servers send their content filter's results so, before all else."""
    odd = sse.encode({"choices": [], "prompt_filter_results": []})
    assert read([odd, WHOLE])[0] == Event(odd)


@pytest.mark.parametrize(
    ("said", "sign"),
    [
        ({"content": "a"}, b'"delta":{"content":"'),
        ({"reasoning": "a"}, b'"delta":{"reasoning":"'),
        ({"tool_calls": [{"index": 0, "function": {"arguments": ""}}]}, b'"delta":{"tool_calls":[{"'),
    ],
)
def test_S11_kinds_of_content_may_follow_one_another(said: dict[str, Any], sign: bytes) -> None:
    """What a stream said last is looked for first; the rest is found all the same."""
    deltas = [{"content": "x"}, said, {"content": ""}, {"reasoning": "y"}, said, {"role": "assistant"}, said]
    chunks = framed(map(chunk, deltas))
    assert sign in chunks
    expected = [True, True, False, True, True, False, True, False]
    assert [event.content for event in events_of(chunks)] == expected


@pytest.mark.parametrize("at", range(1, len(WHOLE) - len(sse.DONE) + len(b"data: [DONE]"), 7))
def test_S6_a_stream_cut_off_anywhere_is_broken_and_has_no_done(at: int) -> None:
    with pytest.raises(ApiError) as caught:
        read([WHOLE[:at]])
    assert caught.value.code == "stream_broken"


@pytest.mark.parametrize(
    "bad", [b"data: {\n\n", b"data: [1]\n\n", b"data: null\n\n", b"data: \xff\n\n", b"data: DONE\n\n"]
)
def test_S6_what_is_no_chunk_ends_the_stream(bad: bytes) -> None:
    with pytest.raises(ApiError, match="not") as caught:
        read([b"data: " + bad + b"\n\n", WHOLE])
    assert (caught.value.status, caught.value.code) == (502, "stream_broken")


@pytest.mark.parametrize("body", [b"", b'{"choices":[', b'"text"'])
async def test_S6_a_whole_answer_that_is_none_is_an_error(body: bytes) -> None:
    async def raw() -> AsyncIterator[bytes]:
        yield body

    with pytest.raises(ApiError) as caught:
        _ = [event async for event in sse.metered(raw(), stream=False)]
    assert (caught.value.status, caught.value.code) == (502, "stream_broken")


async def test_S7_a_whole_answer_in_pieces_is_one_event() -> None:
    body = json.dumps({"choices": [], "text": "é", "usage": USAGE}, ensure_ascii=False).encode()

    async def raw() -> AsyncIterator[bytes]:
        for piece in cut(body, range(1, len(body))):
            yield piece

    got = [event async for event in sse.metered(raw(), stream=False)]
    assert got == [Event(body, content=True, usage=Usage(3, 7))]


@pytest.mark.parametrize(
    "wrong",
    [
        b'{"choices":["x"]}',
        b'{"choices":{"0":{}}}',
        b'{"choices":[{"delta":["x"]}]}',
        b'{"choices":[],"usage":[1]}',
        b'{"choices":[],"usage":{"prompt_tokens":"3"}}',
        b'{"choices":[],"usage":{"completion_tokens":-1}}',
    ],
)
def test_S6_a_chunk_of_another_form_ends_the_stream(wrong: bytes) -> None:
    with pytest.raises(ApiError, match="form") as caught:
        read([b"data: " + wrong + b"\n\n", WHOLE])
    assert (caught.value.status, caught.value.code) == (502, "stream_broken")
