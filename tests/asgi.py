"""A client of an ASGI app in the same event loop, so in virtual time too."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

CHAT = "/v1/chat/completions"


@dataclass
class Reply:
    """What an app sent, and when, by the loop's time: `sent` before asking, `began` headers, `ended` the last byte."""

    sent: float
    began: float = 0.0
    ended: float = 0.0
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def timing(self) -> dict[str, float]:
        """The parts of `Server-Timing`, in milliseconds."""
        parts = (part.split(";dur=") for part in self.headers["server-timing"].split(", "))
        return {name: float(dur) for name, dur in parts}


def scope(path: str, method: str, headers: Mapping[str, str]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


async def ask(
    app: Any,
    body: Any = None,
    path: str = CHAT,
    headers: Mapping[str, str] | None = None,
    leave_after_s: float | None = None,
) -> Reply:
    """One request, a POST where it has a body; its client leaves after that time, or stays."""
    loop = asyncio.get_running_loop()
    reply, over = Reply(loop.time()), asyncio.Event()
    if leave_after_s is not None:
        loop.call_later(leave_after_s, over.set)
    pending = [{"type": "http.request", "body": b"" if body is None else orjson.dumps(body), "more_body": False}]

    async def receive() -> Any:
        if pending:
            return pending.pop()
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            reply.began, reply.status = loop.time(), message["status"]
            reply.headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
        else:
            reply.body += message.get("body", b"")
            reply.ended = loop.time()

    await app(scope(path, "GET" if body is None else "POST", headers or {}), receive, send)
    return reply


def chat(text: str = "hello", **fields: Any) -> dict[str, Any]:
    """A greedy chat's body."""
    return {"messages": [{"role": "user", "content": text}], "temperature": 0, "max_tokens": 8, **fields}
