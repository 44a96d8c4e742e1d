"""Loading that takes minutes and cannot be interrupted, without keeping the process from ending meanwhile."""

import asyncio
import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

T = TypeVar("T")

_NAME = "engine-load"
LAST_LINES = "last-lines"  # the log's, where its reader takes nothing


async def in_thread(load: Callable[[], T], discard: Callable[[T], None]) -> T:
    """The result of a blocking call. If nobody waits for it any more when it comes, it is discarded, in a thread.

    Not asyncio's threads: those are waited for when the loop closes and when the interpreter ends.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            value = load()
        except BaseException as error:  # noqa: BLE001  handed to who waits
            _tell(loop, partial(_fail, result, error))
        else:
            _tell(loop, partial(_hand_over, result, value, discard))

    _thread(run)
    return await result


def _thread(run: Callable[[], None]) -> None:
    threading.Thread(target=run, daemon=True, name=_NAME).start()


def _tell(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: see `leave`
        loop.call_soon_threadsafe(callback)


def _fail(result: asyncio.Future[T], error: BaseException) -> None:
    if not result.done():
        result.set_exception(error)


def _hand_over(result: asyncio.Future[T], value: T, discard: Callable[[T], None]) -> None:
    if result.done():
        _thread(partial(discard, value))
    else:
        result.set_result(value)


def leave(code: int) -> None:
    """End the process if something is still being loaded or written: the interpreter cannot end in the midst of that.

    Its child processes end with it. Returns when there is nothing of the kind.
    """
    if not any(thread.name in (_NAME, LAST_LINES) and thread.is_alive() for thread in threading.enumerate()):
        return
    for child in multiprocessing.active_children():
        with contextlib.suppress(OSError):
            child.kill()
            child.join(1.0)
    os._exit(code)
