"""Stand-ins and samples for tests of loads."""

from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path

from vgate.load.base import OpenLoad

SAMPLES = Path(__file__).resolve().parents[2] / "loadtests" / "samples"


class Recorder:
    """A driver that notes what it is asked to do."""

    def __init__(self) -> None:
        self.users: int | None = None
        self.schedule: Iterator[float] | None = None

    def run_users(self, count: int) -> None:
        self.users = count

    def run_schedule(self, offsets_s: Iterator[float]) -> None:
        self.schedule = offsets_s


def gaps(load: OpenLoad, seed: int, count: int) -> list[float]:
    """The first gaps of a schedule, that from the start to the first arrival included."""
    return [after - before for before, after in pairwise([0.0, *islice(load.offsets_s(seed), count)])]


def counts(load: OpenLoad, seed: int, seconds: int) -> list[int]:
    """Arrivals in each of the first seconds."""
    found = [0] * seconds
    for offset in load.offsets_s(seed):
        if offset >= seconds:
            return found
        found[int(offset)] += 1
    return found
