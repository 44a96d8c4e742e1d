"""Work that several may wait for, done once."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Flights(Generic[T]):
    """Tasks under their keys while they run. One whose last waiter has left is cancelled, and found no more."""

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[T]] = {}
        self._keys: dict[asyncio.Task[T], Hashable] = {}
        self._waiters: dict[asyncio.Task[T], int] = {}
        self.landed = 0  # how many have ended

    def find(self, key: Hashable) -> "asyncio.Task[T] | None":
        """The task under this key, if it still runs."""
        return self._tasks.get(key)

    def start(self, key: Hashable, work: Coroutine[Any, Any, T], over: Callable[[], None]) -> "asyncio.Task[T]":
        """Begin; join it at once. `over` is called when the work has ended, even if it never ran."""
        task = asyncio.create_task(work)
        self._tasks[key], self._keys[task] = task, key
        task.add_done_callback(lambda _: self._land(task, over))
        return task

    def join(self, tasks: "Iterable[asyncio.Task[T]]") -> None:
        """One waiter more for each; it must `leave`."""
        for task in tasks:
            self._waiters[task] = self._waiters.get(task, 0) + 1

    def leave(self, tasks: "Iterable[asyncio.Task[T]]") -> None:
        """One waiter less for each."""
        for task in tasks:
            self._waiters[task] -= 1
            if not self._waiters[task]:
                del self._waiters[task]
                self._forget(task)
                task.cancel()

    def _land(self, task: "asyncio.Task[T]", over: Callable[[], None]) -> None:
        self.landed += 1
        self._forget(task)
        if not task.cancelled():
            task.exception()  # its waiters have it, and nobody may be left to ask
        over()

    def _forget(self, task: "asyncio.Task[T]") -> None:
        if task in self._keys:
            del self._tasks[self._keys.pop(task)]
