"""The contract of a load."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Protocol

from vgate.workload.base import Slot


class Driver(Protocol):
    """Whoever sends the requests. Its methods return at once; the sending goes on until the driver ends it."""

    def run_users(self, count: int) -> None:
        """`count` users, each sending its next request when its last answer has ended."""

    def run_schedule(self, offsets_s: Iterator[float]) -> None:
        """A request at each offset, in seconds from the start, whether or not earlier ones have ended."""


class Load(ABC):
    """When requests are sent. Built once per trial; holds no state, so the same seed gives the same plan again."""

    @property
    @abstractmethod
    def offered_rate(self) -> float | None:
        """Requests per second that the plan asks for on average; None where the server's speed decides."""

    @property
    def length_s(self) -> float | None:
        """Seconds from the start after which the plan has no more requests; None: it is endless."""
        return None

    @abstractmethod
    def drive(self, driver: Driver, seed: int) -> None:
        """Hand the arrivals to `driver`."""

    @abstractmethod
    def slots(self, seed: int) -> Iterator[tuple[Slot, float | None]]:
        """The plan's slots, and for an open loop their offsets in seconds; users of a closed loop take turns."""


class OpenLoad(Load):
    """Requests are due at moments that are decided before the server is asked anything."""

    @abstractmethod
    def offsets_s(self, seed: int) -> Iterator[float]:
        """Arrival times in seconds from the start, ascending."""

    def drive(self, driver: Driver, seed: int) -> None:
        driver.run_schedule(self.offsets_s(seed))

    def slots(self, seed: int) -> Iterator[tuple[Slot, float | None]]:
        for number, offset in enumerate(self.offsets_s(seed)):
            yield Slot(None, number), offset
