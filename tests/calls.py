"""Requests, and asking a gateway the way the HTTP layer does."""

import asyncio
import contextlib
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from vgate.gateway import Gateway
from vgate.record import Record
from vgate.types import Call, Endpoint, Event

_NUMBERS = itertools.count(1)


def chat(text: str = "hello", *, caller: str = "anonymous", **fields: Any) -> Call:
    """A greedy chat request with an id of its own."""
    body = {"model": "test", "messages": [{"role": "user", "content": text}], "temperature": 0, **fields}
    return call_of(body, "chat", caller)


def call_of(body: dict[str, Any], endpoint: Endpoint, caller: str = "anonymous") -> Call:
    return Call(f"{next(_NUMBERS):032x}", endpoint, body, caller)


@dataclass
class Asked:
    """One request as its client saw it."""

    call: Call
    record: Record
    events: list[Event] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        return b"".join(event.data for event in self.events)

    @property
    def chunks(self) -> list[Any]:
        """The JSON of a stream's events, `[DONE]` left out."""
        parts = self.data.split(b"\n\n")
        return [orjson.loads(part.removeprefix(b"data: ")) for part in parts if part and part != b"data: [DONE]"]

    @property
    def text(self) -> str:
        """What the first choice says."""
        if not self.call.stream:
            return str(orjson.loads(self.data)["choices"][0]["message"]["content"])
        return "".join(c["choices"][0]["delta"].get("content", "") for c in self.chunks if c["choices"])

    @property
    def anonymous(self) -> bytes:
        """The answer without the id by which answers to equal requests differ."""
        assert self.call.id.encode() in self.data
        return self.data.replace(self.call.id.encode(), b"ID")


def asked(call: Call) -> Asked:
    """A request that arrives now."""
    now = asyncio.get_running_loop().time()
    return Asked(call, Record(call.id, "/v1/chat/completions", "POST", now, stream=call.stream, caller=call.caller))


async def ask(gateway: Gateway, call: Call, asking: Asked | None = None) -> Asked:
    """Read the whole answer. Cancel to leave; pass `asking` to see what had come by then."""
    asking = asking or asked(call)
    async with contextlib.aclosing(gateway.answer(call, asking.record)) as events:
        async for event in events:
            asking.events.append(event)
    return asking


async def ask_all(gateway: Gateway, calls: Iterable[Call]) -> list[Asked]:
    """All at once."""
    return await asyncio.gather(*(ask(gateway, call) for call in calls))


async def leave(task: "asyncio.Task[Any]") -> None:
    """The client of a request goes away."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
