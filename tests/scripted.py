"""A small engine that says what a test tells it, in the test's time, and remembers who came and went."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from typing import Any

import orjson

from vgate import sse
from vgate.engine.base import Engine
from vgate.errors import BadRequest
from vgate.forms import Shape
from vgate.types import Call, Job

# (seconds to wait, what comes then), in order; an exception is raised.
Script = Iterable[tuple[float, bytes | Exception]]


def answer(call: Call, tokens: int = 3, prefill_s: float = 0.1, step_s: float = 0.01) -> Script:
    """A good answer that quotes the request's last message, in OpenAI's form."""
    said = [f" {word}" for word in range(tokens)]
    said[0] = call.body["messages"][-1]["content"]
    usage = {"prompt_tokens": 5, "completion_tokens": tokens, "total_tokens": 5 + tokens}
    if not call.stream:
        choice = {"index": 0, "message": {"role": "assistant", "content": "".join(said)}, "finish_reason": "stop"}
        body = {"id": f"chatcmpl-{call.id}", "object": "chat.completion", "choices": [choice], "usage": usage}
        return [(prefill_s + (tokens - 1) * step_s, orjson.dumps(body))]
    return [
        (prefill_s, chunk(call, {"role": "assistant", "content": ""})),
        (0.0, chunk(call, {"content": said[0]})),
        *((step_s, chunk(call, {"content": word})) for word in said[1:]),
        (0.0, chunk(call, {}, "stop")),
        (0.0, sse.encode({"id": f"chatcmpl-{call.id}", "choices": [], "usage": usage})),
        (0.0, sse.DONE),
    ]


def chunk(call: Call, delta: dict[str, Any], reason: str | None = None) -> bytes:
    """One event of a stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return sse.encode({"id": f"chatcmpl-{call.id}", "object": "chat.completion.chunk", "choices": [choice]})


class Scripted(Engine):
    """Runs `script(call)` for each call. A body with "bad" is refused when it is prepared."""

    def __init__(self, script: Callable[[Call], Script] = answer) -> None:
        self.script = script
        self.entered: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.aborted: list[str] = []
        self.is_ready = True

    @property
    def running(self) -> int:
        """Requests in the engine."""
        return len(self.entered) - len(self.ended)

    async def start(self) -> None:
        self.is_ready = True

    async def stop(self) -> None:
        self.is_ready = False

    @property
    def ready(self) -> bool:
        return self.is_ready

    @property
    def fingerprint(self) -> str:
        return "scripted"

    @property
    def shapes(self) -> Mapping[str, Shape]:
        empty: dict[str, Any] = dict.fromkeys(["id", "object", "choices", "usage"])
        return {"chat": Shape(empty, dict.fromkeys(["index", "message", "finish_reason"]), {}, {})}

    @property
    def sampling_defaults(self) -> dict[str, Any]:
        return {"temperature": 1.0}

    def models(self) -> list[dict[str, Any]]:
        return []

    async def prepare(self, call: Call) -> Job:
        if "bad" in call.body:
            raise BadRequest("bad is bad", "bad")
        return Job(call, 5)

    async def run(self, job: Job) -> AsyncGenerator[bytes, None]:
        loop, call = asyncio.get_running_loop(), job.call
        self.entered[call.id] = loop.time()
        left = list(self.script(call))
        try:
            while left:
                wait_s, event = left[0]
                await asyncio.sleep(wait_s)
                del left[0]
                if isinstance(event, Exception):
                    raise event
                yield event
        except (asyncio.CancelledError, GeneratorExit):
            if left:
                self.aborted.append(call.id)
            raise
        finally:
            self.ended[call.id] = loop.time()
