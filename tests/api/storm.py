"""Clients that behave as badly as clients do: they leave at any moment, set deadlines, and repeat each other."""

import asyncio
import contextlib
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

PATH = "/v1/chat/completions"
# When a client leaves: before its request is whole, so many seconds after it, after the answer's first bytes, never.
LEAVES = ("in the head", "in the body", "soon", "later", "after the first bytes", "never", "never", "never")
# Longer than any answer takes that is not held up on purpose.
PATIENCE_S = 1.5


@dataclass
class Storm:
    """Asks `count` requests, `at_once` at a time. `ended` counts how they ended, `wrong` holds what must not be."""

    port: int
    seed: int
    ended: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    async def run(self, count: int, at_once: int) -> None:
        left = iter(range(count))

        async def client() -> None:
            for _ in left:
                await self._ask()

        async with asyncio.timeout(240):
            await asyncio.gather(*(client() for _ in range(at_once)))

    async def _ask(self) -> None:
        leaves = self._random.choice(LEAVES)
        body, headers = self._request()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = await self._exchange(reader, writer, orjson.dumps(body), headers, leaves)
            self._judge(answer, bool(body["stream"]), leaves)
        except TimeoutError:
            self.ended["gave up"] += 1
        except (ConnectionError, asyncio.IncompleteReadError):
            self.ended[f"broken, {leaves}"] += 1
        finally:
            writer.transport.abort() if self._random.random() < 0.5 else writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _request(self) -> tuple[dict[str, Any], dict[str, str]]:
        pick = self._random
        message = {"role": "user", "content": f"question {pick.randrange(400)}"}
        body = {"messages": [message], "stream": pick.random() < 0.6, "max_tokens": pick.randint(1, 40)}
        body["temperature"] = pick.choice([0, 0, 0.5])
        if pick.random() < 0.03:
            body["messages"] = "nonsense"
        deadline = {"X-VGate-Deadline-Ms": str(pick.choice([1, 5, 30, 2000]))} if pick.random() < 0.15 else {}
        return body, deadline

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        body: bytes,
        headers: dict[str, str],
        leaves: str,
    ) -> bytes:
        """What was read before the client left."""
        fields = {"Host": "x", "Connection": "close", "Content-Length": str(len(body)), **headers}
        head = f"POST {PATH} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n"
        whole = head.encode() + body
        cut = {"in the head": len(head) // 2, "in the body": len(head) + len(body) // 2}.get(leaves, len(whole))
        writer.write(whole[:cut])
        await writer.drain()
        if leaves in ("soon", "later"):
            await asyncio.sleep(self._random.uniform(0, 0.01 if leaves == "soon" else 0.1))
            return b""
        if cut < len(whole):
            return b""
        return await (reader.read(300) if leaves == "after the first bytes" else reader.read())

    def _judge(self, answer: bytes, stream: bool, leaves: str) -> None:
        if leaves != "never":
            self.ended[leaves] += 1
            return
        status = answer[9:12].decode()
        whole = stream and status == "200"
        how = f"{status} stream" if whole else status
        if whole and b"[DONE]" not in answer:
            how = "broken off with an error" if b'data: {"error"' in answer else "broken off without a word"
        if whole and b"[DONE]" in answer and b'data: {"error"' in answer:
            how = "done after an error"
        self.ended[how] += 1
        if how not in ("200", "200 stream", "400", "503", "504", "500", "502", "broken off with an error"):
            self.wrong.append(f"{how}: {answer[:200]!r} ... {answer[-200:]!r}")
