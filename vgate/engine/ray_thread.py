"""A thread for calls that block."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

_Entry = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]


class Calls:
    """Makes calls one after the other, all of them in one thread, which ends with `end` or with the process.

    Ray's processes end with the thread that has started them, so it is one for all; asyncio's executors make threads
    that the interpreter waits for when it ends, and Ray may wait for a cluster that is not there for minutes.
    """

    def __init__(self, name: str) -> None:
        self._waiting: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True, name=name).start()

    async def __call__(self, call: Callable[[], T]) -> T:
        """What the call returns or raises. One whose caller is cancelled while it waits is not made."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()
        self._waiting.put((call, loop, result))
        return await result

    def end(self) -> None:
        """After the calls that wait."""
        self._waiting.put(None)

    def _run(self) -> None:
        while (entry := self._waiting.get()) is not None:
            call, loop, result = entry
            if result.cancelled():
                continue
            try:
                tell = partial(_settle, result, call(), None)
            except BaseException as error:  # noqa: BLE001  handed to who waits
                tell = partial(_settle, result, None, error)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(tell)


def _settle(result: "asyncio.Future[Any]", value: Any, error: BaseException | None) -> None:
    if result.done():
        return
    if error is None:
        result.set_result(value)
    else:
        result.set_exception(error)
