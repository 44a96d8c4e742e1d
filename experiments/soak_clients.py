"""Clients for `soak.py`: right and wrong requests, and people who hang up, at a steady rate."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

CHAT, EMBEDDINGS = "/v1/chat/completions", "/v1/embeddings"
KEY = "sk-soak"
PATIENCE_S = 20.0
#: Open at once at most; a server that falls behind is found out by requests that could not be sent.
MOST_AT_ONCE = 1000


@dataclass(frozen=True)
class Ask:
    """One request. statuses: those that it may get; none: its client does not stay to see.

    leaves: "" for never, else "in the head", "in the body", "soon" or "after the first bytes".
    """

    data: bytes
    statuses: tuple[int, ...] = (200,)
    leaves: str = ""


def request(path: str, body: bytes, key: str = KEY, method: str = "POST") -> bytes:
    """As it goes over the wire; the connection is closed after the answer."""
    fields = f"Host: x\r\nAuthorization: Bearer {key}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    return f"{method} {path} HTTP/1.1\r\n{fields}Content-Type: application/json\r\n\r\n".encode() + body


def chat(question: str, **fields: Any) -> bytes:
    """A chat request, greedy."""
    messages = [{"role": "user", "content": question}]
    body = {"model": "tiny", "messages": messages, "max_tokens": 12, "temperature": 0, **fields}
    return request(CHAT, json.dumps(body).encode())


def kinds(pick: random.Random) -> dict[str, Callable[[], list[Ask]]]:
    """By name, what makes the requests of a kind; those of one list are sent at once."""

    def fresh() -> str:
        return f"question {pick.getrandbits(64):x}"

    def streamed() -> bool:
        return pick.random() < 0.5

    def left() -> list[Ask]:
        how = pick.choice(["in the head", "in the body", "soon", "after the first bytes"])
        return [Ask(chat(fresh(), stream=streamed(), max_tokens=60), (), how)]

    def bad() -> list[Ask]:
        return [pick.choice(_BAD)]

    return {
        "whole": lambda: [Ask(chat(fresh()))],
        "stream": lambda: [Ask(chat(fresh(), stream=True))],
        "hit": lambda: [Ask(chat(f"well known {pick.randrange(20)}", stream=streamed()))],
        "coalesced": lambda: [Ask(chat(question, stream=streamed())) for question in [fresh()] for _ in range(2)],
        "embeddings": lambda: [Ask(request(EMBEDDINGS, json.dumps({"input": [fresh(), "known"]}).encode()))],
        "left": left,
        "bad": bad,
    }


#: Of a hundred choices.
WEIGHTS = {"whole": 20, "stream": 20, "hit": 20, "coalesced": 10, "embeddings": 10, "left": 10, "bad": 10}
_BAD = [
    Ask(request(CHAT, b'{"messages": ['), (400,)),
    Ask(request(CHAT, b"\xff\x00"), (400,)),
    Ask(request(CHAT, b'{"messages": ' + b"[" * 500 + b"]" * 500 + b"}"), (400,)),
    Ask(chat("x", mx_tokens=3), (400,)),
    Ask(chat("x", model="another"), (404,)),
    Ask(chat("x " * 40_000), (413,)),
    Ask(request(CHAT, b"{}", key="sk-nobody"), (401, 429)),
    Ask(request("/nothing", b"", method="GET"), (404,)),
    Ask(request("/health", b"", method="DELETE"), (405,)),
    Ask(b"no HTTP at all\r\n\r\n", (400,)),
    Ask(request(CHAT, b"{}").replace(b"Host: x", b"X-A: " + b"a" * 70_000), (431,)),
    Ask(chat("x").replace(b"Host: x", b"Transfer-Encoding: chunked"), (400,)),
]


@dataclass
class Crowd:
    """Sends at a rate, whatever the answers do. `seen` counts answers by kind and status; `wrong`: must not be."""

    port: int
    seed: int
    sent: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, rate: float, seconds: float) -> None:
        """All of it, to the last answer. Called again it asks other questions."""
        pick = random.Random(f"{self.seed}:{self.sent}")  # noqa: S311 - seeded on purpose
        made, names = kinds(pick), list(WEIGHTS)
        loop, due = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        end = due + seconds
        while due < end:
            name = pick.choices(names, list(WEIGHTS.values()))[0]
            for ask in made[name]():
                self._send(name, ask)
                due += 1 / rate
            await asyncio.sleep(max(0.0, due - loop.time()))
        while self._open:
            await asyncio.wait(self._open)

    def _send(self, name: str, ask: Ask) -> None:
        self.sent += 1
        if len(self._open) >= MOST_AT_ONCE:
            self.wrong[f"{name}: not sent, {MOST_AT_ONCE} are open"] += 1
            return
        task = asyncio.create_task(self._ask(name, ask))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _ask(self, name: str, ask: Ask) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = await _exchanged(self.port, ask)
        except TimeoutError:
            self.wrong[f"{name}: no end in {PATIENCE_S:g} s"] += 1
            return
        except ConnectionError as error:
            self.wrong[f"{name}: {type(error).__name__}"] += 1
            return
        if ask.leaves:
            self.seen[f"{name} {ask.leaves}"] += 1
            return
        status = int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0
        self.seen[f"{name} {status}"] += 1
        broken = b"text/event-stream" in answer[:2000] and b"data: [DONE]" not in answer
        if status not in ask.statuses or broken:
            self.wrong[f"{name}: status {status}{' broken off' if broken else ''}"] += 1


async def _exchanged(port: int, ask: Ask) -> bytes:
    """The answer; what its client has seen of it, where it leaves."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = ask.data.index(b"\r\n\r\n") + 4
    cut = {"in the head": head // 2, "in the body": head + 5}.get(ask.leaves, len(ask.data))
    try:
        writer.write(ask.data[:cut])
        await writer.drain()
        if ask.leaves == "after the first bytes":
            return await reader.read(100)
        if ask.leaves:
            await asyncio.sleep(0.02)
            return b""
        return await _whole(reader)
    finally:
        writer.transport.abort() if ask.leaves else writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _whole(reader: asyncio.StreamReader) -> bytes:
    """To the end of the connection. One that was closed with something of ours unread ends with a reset."""
    parts: list[bytes] = []
    with contextlib.suppress(ConnectionResetError):
        while part := await reader.read(65536):
            parts.append(part)
    return b"".join(parts)
