"""Waiting for a moment, to tens of microseconds, without spinning; and how long this process had to wait for a core."""

import time
from pathlib import Path

import gevent

from vgate.harness.timerfd import Timerfd

READABLE = 1


class Pacer:
    """Puts its greenlet to sleep until absolute CLOCK_MONOTONIC times. Use it from one greenlet; close it after."""

    def __init__(self) -> None:
        self._timer = Timerfd()
        self._hub = gevent.get_hub()
        self._watcher = self._hub.loop.io(self._timer.fd, READABLE)

    def wait_until(self, moment_ns: int) -> None:
        """Return at `moment_ns`, or at once when it has passed."""
        if moment_ns <= time.monotonic_ns():
            return
        self._timer.set(moment_ns)
        self._hub.wait(self._watcher)
        self._timer.take()

    def close(self) -> None:
        self._watcher.stop()
        self._watcher.close()
        self._timer.close()


def waited_for_a_core_ns() -> int:
    """How long the main thread has been ready to run while others had its core. 0 where Linux does not say."""
    try:
        return int(Path("/proc/self/schedstat").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
