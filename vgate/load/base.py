"""The contract of a load."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Protocol

from vgate.load.workload import Workload


class Driver(Protocol):
    """Whoever sends the requests. Its methods return at once; the sending goes on until the driver ends it."""

    def run_users(self, count: int) -> None:
        """`count` users, each sending its next request when its last answer has ended."""

    def run_schedule(self, offsets_s: Iterator[float]) -> None:
        """A request at each offset, in seconds from the start, whether or not earlier ones have ended."""


class Load(ABC):
    """Arrivals times workload. Built once per trial; holds no state, so the same seed gives the same plan again."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload

    @property
    @abstractmethod
    def offered_rate(self) -> float | None:
        """Requests per second that the plan asks for on average; None where the server's speed decides."""

    @abstractmethod
    def drive(self, driver: Driver, seed: int) -> None:
        """Hand the arrivals to `driver`. Endless: the driver knows when to stop."""
