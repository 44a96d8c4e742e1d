"""Items that come together are asked for together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from vgate.embedding.base import Input, Vector
from vgate.errors import ApiError

Ask = Callable[[dict[str, Any], Sequence[Input]], Awaitable[Sequence[Vector]]]
# What may be wrong with one item of several.
_ONES_FAULT = frozenset({400, 413, 422})


@dataclass(slots=True)
class _Group:
    fields: dict[str, Any]
    inputs: list[Input] = field(default_factory=list)
    waiting: list["asyncio.Future[Vector]"] = field(default_factory=list)
    left: int = 0  # how many wait no more
    task: "asyncio.Task[None] | None" = None


class Together:
    """What is asked for in one turn of the event loop, under the same fields, is one request.

    Where that is refused, each half of it is asked for, and so on, so that a bad item fails alone. A request for which
    nobody waits any more is given up.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._open: dict[tuple[bytes, type], _Group] = {}

    async def vector(self, fields: dict[str, Any], item: Input) -> Vector:
        """The item's vector. Raises ApiError."""
        key = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS), type(item)  # texts and token ids do not mix
        group = self._open.get(key)
        loop = asyncio.get_running_loop()
        if group is None:
            group = self._open[key] = _Group(fields)
            loop.call_soon(self._close, key)
        future: asyncio.Future[Vector] = loop.create_future()
        group.inputs.append(item)
        group.waiting.append(future)
        try:
            return await future
        finally:
            group.left += 1
            if group.task is not None and group.left == len(group.waiting):
                group.task.cancel()

    def _close(self, key: tuple[bytes, type]) -> None:
        group = self._open.pop(key)
        if group.left < len(group.waiting):
            group.task = asyncio.create_task(self._run(group.fields, group.inputs, group.waiting))

    async def _run(
        self, fields: dict[str, Any], inputs: Sequence[Input], waiting: Sequence["asyncio.Future[Vector]"]
    ) -> None:
        try:
            vectors = await self._ask(fields, inputs)
        except ApiError as error:
            if len(inputs) == 1 or error.status not in _ONES_FAULT:
                _fail(waiting, error)
                return
            half = len(inputs) // 2
            await self._run(fields, inputs[:half], waiting[:half])
            await self._run(fields, inputs[half:], waiting[half:])
        except Exception as error:  # noqa: BLE001  whatever it is, nobody is left waiting
            _fail(waiting, error)
        else:
            for future, vector in zip(waiting, vectors, strict=True):
                if not future.done():
                    future.set_result(vector)


def _fail(waiting: Sequence["asyncio.Future[Vector]"], error: Exception) -> None:
    for future in waiting:
        if not future.done():
            future.set_exception(error)
