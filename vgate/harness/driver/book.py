"""Who is waiting for an answer, and the paperwork of those who have it."""

from collections import deque
from collections.abc import Callable
from typing import IO

import gevent
from locust.env import Environment

from vgate.harness import exchange as records
from vgate.harness.driver.stats import report
from vgate.harness.exchange import Exchange

LOOK_EVERY_S = 0.002


class Book:
    """Keeps the sending greenlets' work small: they hand over what can wait and go on.

    Writing records, Locust's statistics and drafting happen in `work`, which lets senders go first between any two.
    """

    def __init__(self, environment: Environment, file: IO[bytes]) -> None:
        self._environment = environment
        self._file = file
        self._open: dict[int, Exchange] = {}
        self._done: deque[Exchange] = deque()
        self._errands: deque[Callable[[], None]] = deque()

    def open(self, exchange: Exchange) -> None:
        self._open[id(exchange)] = exchange

    def close(self, exchange: Exchange) -> None:
        del self._open[id(exchange)]
        self._done.append(exchange)

    def later(self, errand: Callable[[], None]) -> None:
        """Have something small done when there is time."""
        self._errands.append(errand)

    def waiting_before(self, moment_ns: int) -> bool:
        """Whether a request intended before `moment_ns` has not ended."""
        return any(exchange.t_int < moment_ns for exchange in self._open.values())

    def work(self) -> None:
        """Endless; run it in a greenlet of its own."""
        while True:
            while self._errands or self._done:
                self._one_thing()
                gevent.sleep(0)
            gevent.sleep(LOOK_EVERY_S)

    def finish(self, reason: str) -> None:
        """Write everything that is left; whoever still waits gets `reason` as its error."""
        for exchange in self._open.values():
            exchange.error = reason
        self._done.extend(self._open.values())
        self._open.clear()
        while self._done:
            self._settle(self._done.popleft())
        self._file.flush()

    def _one_thing(self) -> None:
        if self._errands:
            self._errands.popleft()()
        else:
            self._settle(self._done.popleft())

    def _settle(self, exchange: Exchange) -> None:
        records.write(exchange, self._file)
        report(self._environment, exchange)
