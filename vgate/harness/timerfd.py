"""Linux's timers as files: they wake a process tens of microseconds after an absolute moment.

Event loops round their own timers to the millisecond of epoll. `os.timerfd_create` needs Python 3.13, so the calls go
through the C library.
"""

import contextlib
import ctypes
import os

CLOCK_MONOTONIC = 1
TFD_NONBLOCK = os.O_NONBLOCK
TFD_TIMER_ABSTIME = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class Timerfd:
    """One timer. Its file descriptor `fd` is readable once the moment that was set has come."""

    def __init__(self) -> None:
        self.fd = _LIBC.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")

    def set(self, moment_ns: int) -> None:
        """Wake at `moment_ns` of CLOCK_MONOTONIC, at once if it has passed, and at no other moment set before."""
        spec = _Itimerspec(_Timespec(0, 0), _Timespec(*divmod(max(1, moment_ns), 1_000_000_000)))
        if _LIBC.timerfd_settime(self.fd, TFD_TIMER_ABSTIME, ctypes.byref(spec), None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime failed")

    def take(self) -> None:
        """Make `fd` unreadable until the next moment."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.fd, 8)

    def close(self) -> None:
        os.close(self.fd)
