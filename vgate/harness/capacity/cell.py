"""The cells of a capacity search."""

from typing import Any

from vgate.config.bench_schema import BenchSettings
from vgate.config.check import validate
from vgate.harness.cells import Cell


def at_rate(container: dict[str, Any], rate: float, window_s: float, number: int) -> Cell:
    """The cell that measures at `rate`. number: of the window in the whole search; its seed follows from it.

    Two Poisson schedules of one seed are the same random numbers, stretched: windows of different rates would not be
    independent of each other, as the search takes them to be.
    """
    changed = {
        **container,
        "load": {**container["load"], "rate": rate},
        "trial": {**container["trial"], "duration_s": window_s},
    }
    settings = validate("bench", changed, {})
    assert isinstance(settings, BenchSettings)  # what validate gives for "bench"
    return Cell({"load.rate": f"{rate:g}"}, changed, settings, number)
