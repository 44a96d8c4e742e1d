"""Streams cut into events, under another id."""

import random

import orjson
import pytest

from tests.upstream.wires import ROLE, chunk, events, usage
from vgate import sse
from vgate.upstream.events import Addressed, Framer, is_keep_alive, whole

STREAM = events([f" wörd{number} 東京" for number in range(20)])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000, 10**6])
def test_S7_S13_pieces_of_any_size_give_the_same_bytes(size: int) -> None:
    data, framer = b"".join(STREAM), Framer()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert [event for piece in pieces for event in framer.feed(piece)] == STREAM


def test_S7_other_line_ends_comments_and_pieces_cut_anywhere() -> None:
    dice = random.Random(1)
    for _ in range(200):
        end = dice.choice([b"\n", b"\r\n", b"\r"])
        noisy = b"".join(dice.choice([b": ping" + end * 2, b"", b": x" + end]) + e.replace(b"\n", end) for e in STREAM)
        places = sorted(dice.randrange(len(noisy)) for _ in range(dice.randrange(40)))
        framer = Framer()
        pieces = [noisy[a:b] for a, b in zip([0, *places], [*places, len(noisy)], strict=True)]
        assert [event for piece in pieces for event in framer.feed(piece)] == STREAM


def test_S7_an_event_of_several_lines_is_one_line() -> None:
    whole = b'data: {"a":\ndata: 1}\n\ndata: 2\nid: 3\n\n'
    assert Framer().feed(whole) == [b'data: {"a": 1}\n\n', b"id: 3\ndata: 2\n\n"]
    assert Framer().feed(whole[:22]) == [b'data: {"a": 1}\n\n']


def test_a_stream_may_end_without_its_last_blank_line_but_not_within_an_event() -> None:
    framer = Framer()
    assert framer.feed(ROLE + b"data: [DONE]") == [ROLE]
    assert framer.end() == [sse.DONE]
    framer = Framer()
    assert framer.feed(ROLE + STREAM[1][:-2]) == [ROLE]
    assert framer.end() == []


def test_D10_the_id_is_replaced_and_nothing_else() -> None:
    addressed = Addressed("chatcmpl-mine", counted_for_us=False)
    for event in STREAM:
        assert addressed(event) == event.replace(b"chatcmpl-theirs", b"chatcmpl-mine")


def test_S13_with_the_same_id_the_bytes_are_the_same() -> None:
    addressed = Addressed("chatcmpl-theirs", counted_for_us=True)
    assert [addressed(event) for event in STREAM] == STREAM


@pytest.mark.parametrize("theirs", ["1", "id", "a\\b", 'q"', "é", ""])
def test_ids_of_any_form_and_texts_that_hold_them(theirs: str) -> None:
    said = {"content": f'"id":{orjson.dumps(theirs).decode()} {theirs}'}
    tools = {"tool_calls": [{"index": 0, "id": "call_1"}]}
    for body in ({"id": theirs, "choices": [{"delta": said}]}, {"choices": [{"delta": said | tools}], "id": theirs}):
        for data in (orjson.dumps(body), orjson.dumps(body).replace(b'"id":', b'"id": ')):
            assert orjson.loads(whole(data, "mine")) == {**body, "id": "mine"}
            event = b"data: " + data + b"\n\n"
            addressed = Addressed("mine", counted_for_us=False)
            assert [sse.decode(addressed(event)) for _ in range(2)] == [{**body, "id": "mine"}] * 2


def test_D10_an_id_that_changes_within_a_stream_is_replaced_throughout() -> None:
    addressed = Addressed("mine", counted_for_us=False)
    for theirs in (b"", b"a", b"a", b"b", b"mine", b"c"):
        assert addressed(b'data: {"id":"%b","choices":[]}\n\n' % theirs) == b'data: {"id":"mine","choices":[]}\n\n'


def test_an_answer_without_an_id_stays_without_one() -> None:
    assert whole(b'{"choices":[]}', "mine") == b'{"choices":[]}'
    assert whole(b"not json", "mine") == b"not json"


def test_S8_a_null_usage_that_the_client_did_not_ask_for_is_left_out() -> None:
    told, plain = chunk({"content": "null"}, usage=None), chunk({"content": "null"})
    assert Addressed("chatcmpl-theirs", counted_for_us=True)(told) == plain
    assert Addressed("chatcmpl-theirs", counted_for_us=False)(told) == told
    assert Addressed("chatcmpl-theirs", counted_for_us=True)(usage(1, 2)) == usage(1, 2)


def test_a_stream_that_goes_on_elsewhere_keeps_its_time() -> None:
    addressed = Addressed("chatcmpl-mine", counted_for_us=False, created=123)
    assert sse.decode(addressed(STREAM[1]))["created"] == 123


def test_S7_what_keeps_a_connection_alive_is_told_apart_at_once() -> None:
    assert all(map(is_keep_alive, [b":", b": OPENROUTER PROCESSING\n\n", b"\r\n", b": a\r: b\n\n: c", b":" * 10**6]))
    assert not any(map(is_keep_alive, [b"", b"data: 1\n\n", b": a\n\ndata", b" :", b":" * 10**6 + b"\nx"]))
