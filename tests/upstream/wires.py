"""Connections in memory, in virtual time, to servers that say what a test tells them; and a pool of such workers."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Any

import orjson

from vgate import sse
from vgate.errors import ApiError
from vgate.upstream.client import Client, Timeouts
from vgate.upstream.connection import Connection
from vgate.upstream.connections import Origin
from vgate.workers.worker import Outcome, Worker, WorkerSpec

# (seconds to wait, what comes then), in order: bytes; b"" closes the connection; an exception breaks it.
Script = Iterable[tuple[float, bytes | Exception]]
BROKEN = ConnectionResetError("reset")
TIMEOUTS = Timeouts(connect_s=2.0, first_byte_s=60.0, between_s=30.0)


def answer(body: bytes, status: str = "200 OK", *fields: str) -> bytes:
    """A whole answer."""
    head = "".join(f"{field}\r\n" for field in (f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}"))
    return head.encode() + b"\r\n" + body


def error(status: str, message: str = "no", **fields: Any) -> bytes:
    body = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return answer(orjson.dumps({"error": {**body, **fields}}), status)


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def part(data: bytes) -> bytes:
    """A chunk of a body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def chunk(delta: dict[str, Any], reason: str | None = None, **fields: Any) -> bytes:
    """An event of a chat stream, as vLLM writes it."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    head = {"id": "chatcmpl-theirs", "object": "chat.completion.chunk", "created": 7, "model": "m"}
    return sse.encode({**head, "choices": [choice], **fields})


ROLE = chunk({"role": "assistant", "content": ""})


def usage(prompt: int, completion: int) -> bytes:
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    head = {"id": "chatcmpl-theirs", "object": "chat.completion.chunk", "created": 7, "model": "m"}
    return sse.encode({**head, "choices": [], "usage": counts})


def events(words: Iterable[str], prompt: int = 3) -> list[bytes]:
    """All of a good stream."""
    said = list(words)
    spoken = [chunk({"content": word}) for word in said]
    return [ROLE, *spoken, chunk({}, "stop"), usage(prompt, len(said)), sse.DONE]


def streamed(pieces: Iterable[bytes], step_s: float = 0.01, end: bytes | Exception = END) -> Script:
    """Each piece as a chunk of its own."""
    return [(0.0, HEAD), *((step_s, part(piece)) for piece in pieces), (0.0, end)]


class Wire(asyncio.Transport):
    """The client's end of one connection."""

    def __init__(self, server: "Server", connection: Connection) -> None:
        super().__init__()
        self._server = server
        self._connection = connection
        self._playing: asyncio.Task[None] | None = None
        self._open = asyncio.Event()
        self._open.set()
        self.closed = False
        self.unsent = 0

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write(self, data: bytes | bytearray | memoryview) -> None:
        request = Request(bytes(data), self)
        self._server.requests.append(request)
        self._playing = asyncio.create_task(self._play(self._server.script(request)))

    async def _play(self, script: Script) -> None:
        for wait_s, what in script:
            await asyncio.sleep(wait_s)
            await self._open.wait()
            if isinstance(what, bytes) and what:
                self._connection.data_received(what)
            else:
                self.lose(what if isinstance(what, Exception) else None)
                return

    def lose(self, why: Exception | None = None) -> None:
        """The server ends the connection."""
        if not self.closed:
            self.closed = True
            self._server.open -= 1
            self._connection.connection_lost(why)

    def abort(self) -> None:
        if self._playing is not None and self._playing is not asyncio.current_task():
            self._playing.cancel()
        if not self.closed:
            self.closed = True
            self._server.open -= 1
            self._server.aborted += 1
            asyncio.get_running_loop().call_soon(self._connection.connection_lost, None)

    def pause_reading(self) -> None:
        self._open.clear()

    def resume_reading(self) -> None:
        self._open.set()

    @property
    def paused(self) -> bool:
        return not self._open.is_set()


class Request:
    """What a server was sent."""

    def __init__(self, data: bytes, wire: Wire) -> None:
        self.wire = wire
        head, _, self.body = data.partition(b"\r\n\r\n")
        self.line, *fields = head.decode().split("\r\n")
        self.headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Server:
    """Answers each request by `script(request)`. refusing: no connection can be opened. dials: how many were."""

    def __init__(self, script: Callable[[Request], Script], *, refusing: bool = False, dial_s: float = 0.0) -> None:
        self.script = script
        self.refusing = refusing
        self.dial_s = dial_s
        self.requests: list[Request] = []
        self.wires: list[Wire] = []
        self.dials = self.open = self.aborted = 0

    async def dial(self, _origin: Origin) -> Connection:
        await asyncio.sleep(self.dial_s)
        if self.refusing:
            raise ConnectionRefusedError(111, "Connection refused")
        self.dials += 1
        self.open += 1
        connection = Connection()
        self.wires.append(Wire(self, connection))
        connection.connection_made(self.wires[-1])
        return connection


class Lease:
    def __init__(self, pool: "Workers", worker: Worker) -> None:
        self.worker = worker
        self._pool = pool
        self.outcome: Outcome | None = None
        self.answered = False
        pool.leases.append(self)

    def begun(self) -> None:
        self.answered = True

    def done(self, outcome: Outcome, retry_after_s: float | None = None) -> None:
        if self.outcome is None:
            self.outcome = outcome
            self._pool.ended[outcome] += 1
            if outcome == "busy":
                self._pool.waits.append(retry_after_s)


class Workers:
    """A pool that gives the first worker that has not been tried, and `retries` more tries."""

    def __init__(self, *servers: Server, retries: int = 10, owner: str = "vllm", keep_s: float = 4.0) -> None:
        self.servers = {f"http://w{number}:8000": server for number, server in enumerate(servers)}
        self.workers = [Worker(WorkerSpec(url, url[7:9], f"Bearer key-of-{url[7:9]}")) for url in self.servers]
        for worker in self.workers:
            worker.told = ({"id": "m", "object": "model", "owned_by": owner},)
        self.client = Client(TIMEOUTS, keep_s, self._dial)
        self.retries, self.continuations, self.hedges_won = retries, 0, 0
        self.leases: list[Lease] = []
        self.ended: Counter[Outcome] = Counter()
        self.waits: list[float | None] = []

    async def _dial(self, origin: Origin) -> Connection:
        return await self.servers[f"http://{origin.authority}"].dial(origin)

    def lease(self, model: str | None, hint: Any, exclude: Collection[Worker] = ()) -> Any:
        for worker in self.workers:
            if worker not in exclude:
                return Lease(self, worker)
        raise ApiError(503, "nobody", "server_error", code="not_ready")

    def may_retry(self) -> bool:
        self.retries -= 1
        return self.retries >= 0

    may_hedge = may_retry

    def continued(self) -> None:
        self.continuations += 1

    def hedge_won(self) -> None:
        self.hedges_won += 1
