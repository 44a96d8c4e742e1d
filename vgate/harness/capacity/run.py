"""A capacity search on a real server, from its settings to its answer on disk."""

import sys
from dataclasses import dataclass
from typing import Any

from vgate.config.load_schema import PoissonSettings
from vgate.config.seek_schema import CapacitySettings
from vgate.harness.capacity.cell import at_rate
from vgate.harness.capacity.rates import RealRates
from vgate.harness.capacity.seek import Goal, Seek
from vgate.harness.capacity.telling import document, table, words
from vgate.harness.circumstances import circumstances
from vgate.harness.files import write_json
from vgate.harness.layout import CAPACITY
from vgate.harness.manifest import session
from vgate.harness.metrics.goodput import Slo
from vgate.harness.metrics.percentile import minimum_n
from vgate.harness.progress import Progress
from vgate.harness.results import load_run
from vgate.harness.rig import Rig
from vgate.harness.store import RunFolder
from vgate.harness.summary import write_summary


@dataclass(frozen=True)
class Outcome:
    """document: what is in capacity.json. lines: the same for people."""

    document: dict[str, Any]
    lines: list[str]


def run(settings: CapacitySettings, container: dict[str, Any], folder: RunFolder) -> Outcome:
    """Search; what the folder holds already is not measured again. Writes capacity.json, summary.csv, the manifest."""
    ask, goal, targets = settings.capacity, goal_of(settings), str(Slo(**container["slo"]))
    measured = {key: value for key, value in container.items() if key != "capacity"}
    question = f"Up to which rate do {ask.percentile:g} % of the requests meet {targets}?"
    progress = Progress([], open_ended=True)
    progress.say(f"{folder.path}: {question}")
    now = circumstances(sys.argv[1:], [at_rate(measured, goal.start, ask.shortest_s, 0)], "vgate.capacity")
    trial = settings.trial
    with session(folder, now, mix=trial.mix, question=question, seed=trial.seed, cells=None):
        with Rig(folder, progress) as rig:
            found = Seek(RealRates(rig, measured, ask.shortest_s, ask.longest_s), goal).run()
        told = document(found, goal, targets)
        write_json(folder.path / CAPACITY, told)
    if folder.finished():
        write_summary(load_run(folder.path))
    lines = [*table(found, goal), "", *words(found, goal, targets), "", str(folder.path / CAPACITY)]
    return Outcome(told, lines)


def goal_of(settings: CapacitySettings) -> Goal:
    """The settings in the terms of the search."""
    assert isinstance(settings.load, PoissonSettings)  # nothing else has a capacity
    ask = settings.capacity
    return Goal(
        allowed=round(1 - ask.percentile / 100, 6),
        tolerance=ask.tolerance,
        first=minimum_n(ask.percentile),
        start=settings.load.rate,
        lowest=ask.lowest_rate,
        highest=ask.highest_rate,
        max_seconds=60 * ask.max_minutes,
    )
