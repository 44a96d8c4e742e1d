"""How many files and connections this process may have open at a time: RLIMIT_NOFILE, `ulimit -n`."""

import contextlib
import os
import resource

# As far as Linux lets it be raised unless told otherwise; a process that may have a billion has libraries that walk
# through them all.
MOST = 1_048_576


def limit() -> int:
    """How many this process may have open now."""
    return _known(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def most() -> int:
    """How many it may have after `raise_limit`; so many may the processes that it starts."""
    return _known(resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def raise_limit() -> int:
    """Let this process, and those that it starts, have as many open as the system allows; returns how many.

    The usual limit of 1,024 is that of a time when programs counted on it; a server meets it with 1,000 clients.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit() < most():
        with contextlib.suppress(ValueError, OSError):  # a sandbox may forbid it; what is left is told by `limit`
            resource.setrlimit(resource.RLIMIT_NOFILE, (most(), hard))
    return limit()


def fill_standard() -> None:
    """Open what is closed of the descriptors 0, 1 and 2, on /dev/null: the next connection would get their number."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free


def _known(value: int) -> int:
    return MOST if value == resource.RLIM_INFINITY else min(value, MOST)
