"""Waiting for a moment, to tens of microseconds.

gevent's own timers are rounded to the millisecond of epoll. A timerfd is not, and it waits without
spinning. Linux only, like the rest of the driver's clock; `os.timerfd_create` needs Python 3.13, so
the call goes through the C library.
"""

import ctypes
import os
import time
from pathlib import Path

import gevent

CLOCK_MONOTONIC = 1
TFD_NONBLOCK = os.O_NONBLOCK
TFD_TIMER_ABSTIME = 1


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class Pacer:
    """Puts its greenlet to sleep until absolute CLOCK_MONOTONIC times. Use it from one greenlet; close it after."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        self._hub = gevent.get_hub()
        self._watcher = self._hub.loop.io(self._fd, 1)

    def wait_until(self, moment_ns: int) -> None:
        """Return at `moment_ns`, or at once when it has passed."""
        if moment_ns <= time.monotonic_ns():
            return
        spec = _Itimerspec(_Timespec(0, 0), _Timespec(*divmod(moment_ns, 1_000_000_000)))
        if self._libc.timerfd_settime(self._fd, TFD_TIMER_ABSTIME, ctypes.byref(spec), None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime failed")
        self._hub.wait(self._watcher)
        os.read(self._fd, 8)

    def close(self) -> None:
        self._watcher.stop()
        self._watcher.close()
        os.close(self._fd)


def waited_for_a_core_ns() -> int:
    """How long the main thread has been ready to run while others had its core. 0 where Linux does not say."""
    try:
        return int(Path("/proc/self/schedstat").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
