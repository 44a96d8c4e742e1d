"""Reading server-sent events that are nearly right, cut anywhere: client, gateway and load driver.

However the network cuts them the same comes out, and what is no stream of the API ends with an error of ours.
"""

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tests.fuzz.bodies import Raw, odd, written
from tests.fuzz.budget import cases, share
from tests.fuzz.bytes import pieces, spoilt
from vgate import sse
from vgate.client.chunks import Chunks
from vgate.client.errors import VGateError
from vgate.client.meta import Meta
from vgate.client.sse import Event, SSEDecoder
from vgate.client.types import ChatCompletionChunk
from vgate.errors import ApiError
from vgate.harness.sse import events as timed_events

CHUNK = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
TEXTS = ["a", " b", "é", "🙂", "\u2028", "\x00", 'say "x"', "\\", "data: x", ""]


def chunk(dice: Random) -> Any:
    """A chunk of a stream, or what is nearly one."""
    delta: Any = {dice.choice(["content", "content", "reasoning", "role", "refusal"]): dice.choice(TEXTS)}
    if dice.random() < 0.1:
        delta = {"tool_calls": [{"index": 0, "function": {"arguments": dice.choice(TEXTS)}}]}
    whole: dict[str, Any] = {**CHUNK, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    if dice.random() < 0.1:
        whole |= {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}
    if dice.random() < 0.15:
        place = dice.choice([whole, delta, *whole["choices"]])
        place[dice.choice([*place, "usage", "error", "choices"])] = odd(dice)
    return whole


def event(dice: Random) -> bytes:
    """In any of the forms that the format allows, and in some that it does not."""
    end = dice.choice([b"\n", b"\n", b"\n", b"\r\n", b"\r"])
    text = json.dumps(chunk(dice), separators=(",", ":")) if dice.random() < 0.5 else written(dice, chunk(dice))
    data = text.encode("utf-8", "surrogatepass")
    if dice.random() < 0.1:  # over several lines, at places where JSON has blanks
        data = data.replace(b",", b"," + end + b"data:")
    others = [
        b"",
        b"",
        b"",
        b": keep-alive" + end,
        b"event: error" + end,
        b"id: 1\x00" + end,
        b"retry" + end,
        b":" + end,
    ]
    name = dice.choice([b"data: ", b"data: ", b"data: ", b"data:", b"data", b" data: ", b"\xef\xbb\xbfdata: "])
    return dice.choice(others) + name + data + end + dice.choice([end, end, end, b"", end * 3])


def stream(dice: Random) -> bytes:
    wire = dice.choice([b"", b"", b"\xef\xbb\xbf"]) + b"".join(event(dice) for _ in range(dice.randrange(6)))
    wire += dice.choice([b"data: [DONE]\n\n", b"data: [DONE]\n\n", b"data:[DONE]\r\n\r\n", b"data: [DONE]", b""])
    return spoilt(dice, wire) if dice.random() < 0.4 else wire


def cut(dice: Random, wire: bytes) -> list[bytes]:
    if dice.random() < 0.3:
        return [bytes([byte]) for byte in wire]
    return list(pieces(dice, wire))


def by_the_letter(wire: bytes) -> list[Event]:
    """The WHATWG's event stream, read from a whole text. Unlike there, what has no blank line at the end counts."""
    events, name, data = [], "", []
    lines = re.split(rb"\r\n|\r|\n", wire.removeprefix(b"\xef\xbb\xbf"))
    for line in [*lines, b""]:
        field, _, value = line.decode("utf-8", "replace").partition(":")
        if not line:
            events += [Event(name, "\n".join(data))] if data else []
            name, data = "", []
        elif field == "data":
            data.append(value.removeprefix(" "))
        elif field == "event":
            name = value.removeprefix(" ")
    return events


def client_events(parts: list[bytes]) -> list[Event]:
    decoder = SSEDecoder()
    found = [event for part in parts for event in decoder.feed(part)]
    last = decoder.flush()
    return [*found, last] if last else found


def test_S7_the_client_reads_by_the_letter_however_it_is_cut() -> None:
    for name, dice in cases(share(0.08), "client events"):
        wire = stream(dice)
        assert client_events(cut(dice, wire)) == by_the_letter(wire), f"{name}: {wire!r}"


def chunks(parts: list[bytes]) -> tuple[list[Any], str]:
    """What a program that uses the client gets, and how it ends."""
    reader = Chunks(Meta(None, None, None, {}), ChatCompletionChunk.read)
    found: list[Any] = []
    try:
        for part in parts:
            found += [chunk.raw for chunk in reader.feed(part)]
            if reader.done:
                return found, "done"
        reader.end()
    except VGateError as error:
        return found, f"{type(error).__name__}: {error}"
    return found, "done"


def test_S6_S7_the_client_raises_its_own_errors_only() -> None:
    for name, dice in cases(share(0.05), "client chunks"):
        wire = stream(dice)
        whole, ended = chunks([wire])
        again, ended_again = chunks(cut(dice, wire))
        assert ended_again == ended, f"{name}: {wire!r}"
        # What came before an error was handed out where it came in a piece of its own.
        assert again[: len(whole)] == whole, f"{name}: {wire!r}"


@pytest.fixture
def deep() -> Iterator[None]:
    """For comparing what was read: the gateway reads JSON of 1,024 levels."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000)
    yield
    sys.setrecursionlimit(before)


def metered(parts: list[bytes]) -> tuple[list[Any], str]:
    """What the gateway passes on, and how it ends."""

    async def read() -> tuple[list[Any], str]:
        async def raw() -> Any:
            for part in parts:
                yield part

        found: list[Any] = []
        try:
            async for event in sse.metered(raw(), stream=True):
                done = event.data == sse.DONE
                found.append(("[DONE]" if done else sse.decode(event.data), event.content, event.usage, event.counts))
        except ApiError as error:
            return found, f"{error.status} {error.code}"
        return found, "done" if found and found[-1][0] == "[DONE]" else "open"

    return asyncio.run(read())


@pytest.mark.usefixtures("deep")
def test_S6_S7_the_gateway_passes_on_the_same_however_it_is_cut_and_ends_every_stream() -> None:
    for name, dice in cases(share(0.05), "gateway"):
        wire = stream(dice)
        # Not as one piece: an event that comes alone and plainly carries text is passed on unread.
        whole, again = metered([wire[:1], wire[1:]]), metered([wire[:1], *cut(dice, wire[1:])])
        assert again == whole, f"{name}: {wire!r}"
        assert whole[1] != "open", f"{name}: {wire!r}"


def test_S7_the_load_driver_finds_the_same_events_however_it_is_cut() -> None:
    for name, dice in cases(share(0.03), "driver"):
        wire = stream(dice)
        parts = [part for part in cut(dice, wire) if part]
        whole = [data for _, data in timed_events(wire, [(1, len(wire))])]
        stamped = list(timed_events(wire, [(stamp, len(part)) for stamp, part in enumerate(parts)]))
        assert [data for _, data in stamped] == whole, f"{name}: {wire!r}"
        assert all(0 <= stamp < len(parts) for stamp, _ in stamped), f"{name}: {wire!r}"


def test_raw_text_stays_raw() -> None:
    assert written(Random(0), Raw("NaN")) == "NaN"
