"""The streams of a blocking client: those that are being read, and those that were lost."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator
from contextlib import ExitStack, suppress
from typing import Any

_Chunks = Generator[Any]


class Underway:
    """Keeps what the streams of one client read from, so that losing a stream closes nothing there and then.

    Python's search for garbage may find a lost stream in the middle of anything, also while the same thread
    holds the lock of the client's connections: closing would wait for that lock for ever. What was lost is
    put aside instead, without any lock, and closed before the client's next call.
    """

    def __init__(self) -> None:
        self._process = os.getpid()
        self._read: set[_Chunks] = set()
        self._lost: deque[tuple[_Chunks, ExitStack]] = deque()

    def hold(self, chunks: _Chunks, owned: ExitStack) -> None:
        """Keep `chunks` until `owned` is closed."""
        self._read.add(chunks)
        owned.callback(self._read.discard, chunks)

    def lose(self, chunks: _Chunks, owned: ExitStack) -> bool:
        """Put aside what nobody reads any more.

        False where all is closed already, and in a process that was forked: the connection is its parent's.
        """
        if chunks not in self._read or self._process != os.getpid():
            return False
        self._lost.append((chunks, owned))
        return True

    def close_lost(self) -> None:
        """Close what was put aside."""
        while True:
            try:
                chunks, owned = self._lost.popleft()
            except IndexError:
                return
            with suppress(Exception):  # of a stream that its program has forgotten
                chunks.close()
                owned.close()
