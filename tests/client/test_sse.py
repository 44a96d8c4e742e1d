from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgate.client.sse import Event, SSEDecoder


def decode(*chunks: bytes) -> list[Event]:
    decoder = SSEDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_S7_every_line_ending_ends_a_line(end: bytes) -> None:
    assert [Event("", "a"), Event("", "b")] == decode(b"data: a" + end * 2 + b"data: b" + end * 2)


def test_S7_several_data_lines_make_one_event() -> None:
    assert [Event("", "a\n\nb")] == decode(b"data: a\ndata\ndata: b\n\n")


def test_S7_comments_and_unknown_fields_are_skipped() -> None:
    assert [Event("", "a")] == decode(b": keep-alive\n\nid: 7\nretry: 10\n: x\ndata: a\n\n")


def test_S7_only_one_leading_space_is_removed() -> None:
    assert [Event("", " a "), Event("", "b")] == decode(b"data:  a \n\ndata:b\n\n")


def test_the_event_name_belongs_to_one_event_only() -> None:
    assert [Event("error", "a"), Event("", "b")] == decode(b"event: error\ndata: a\n\ndata: b\n\n")


def test_a_byte_order_mark_is_removed_at_the_start_only() -> None:
    assert [Event("", "a"), Event("", "\ufeff")] == decode(b"\xef\xbb\xbfdata: a\n\ndata: \xef\xbb\xbf\n\n")


def test_bytes_that_are_not_utf8_become_replacement_characters() -> None:
    assert [Event("", "a\ufffd")] == decode(b"data: a\xff\n\n")


def test_flush_returns_the_event_without_a_closing_blank_line() -> None:
    decoder = SSEDecoder()
    assert list(decoder.feed(b"data: a\ndata: b")) == []
    assert Event("", "a\nb") == decoder.flush()


def test_flush_of_a_finished_stream_returns_nothing() -> None:
    decoder = SSEDecoder()
    assert [Event("", "a")] == list(decoder.feed(b"data: a\n\n"))
    assert decoder.flush() is None


STREAM = (
    ": hi\r\ndata: naïve\r\ndata: 你好\r\n\r\n"  # CRLF and characters of 2 and 3 bytes
    "data: 🙂\rdata: x\r\r"  # CR alone
    "event: error\ndata: {}\n\n\n\r\ndata: z\n\n"  # empty lines between events
).encode()
EVENTS = [Event("", "naïve\n你好"), Event("", "🙂\nx"), Event("error", "{}"), Event("", "z")]


def test_S7_one_byte_chunks_give_the_same_events() -> None:
    assert decode(*(bytes([byte]) for byte in STREAM)) == EVENTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=8).map(sorted))
def test_S7_any_cutting_gives_the_same_events(cuts: list[int]) -> None:
    """Split characters, split CRLF and empty chunks make no difference."""
    edges = [0, *cuts, len(STREAM)]
    assert decode(*(STREAM[a:b] for a, b in itertools.pairwise(edges))) == EVENTS
