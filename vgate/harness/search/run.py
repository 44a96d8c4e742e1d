"""A search from its axes to its answer on disk."""

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from vgate.config.seek_schema import SearchSettings
from vgate.harness.cells import Cell
from vgate.harness.circumstances import circumstances
from vgate.harness.costs import Cost, cost
from vgate.harness.files import write_json
from vgate.harness.layout import SEARCH
from vgate.harness.manifest import session
from vgate.harness.metrics.goodput import Slo
from vgate.harness.progress import Progress
from vgate.harness.results import Result, load_run
from vgate.harness.rig import Rig
from vgate.harness.search.confirm import Confirmed, again, confirm
from vgate.harness.search.settings import Space
from vgate.harness.search.study import Study, held
from vgate.harness.search.telling import Told, tell
from vgate.harness.store import RunFolder
from vgate.harness.summary import write_summary

RESULT = SEARCH


@dataclass
class Tried:
    """A configuration that the optimiser asked for. values: the metric, one for each time; None: not to be believed."""

    cell: Cell
    values: list[float | None] = field(default_factory=list)

    @property
    def mean(self) -> float | None:
        """Over its measurements; None where one of them may not be believed: it cannot win by the others."""
        valid = [value for value in self.values if value is not None]
        return fmean(valid) if len(valid) == len(self.values) else None


class Search:
    """One search in a run's folder. What the folder holds already is asked for again and not measured again."""

    def __init__(self, space: Space, folder: RunFolder, rig: Rig, progress: Progress) -> None:
        self._space = space
        self._rig = rig
        self._progress = progress
        self._ask: SearchSettings = space.settings
        trial = space.settings.trial
        self._study = Study(folder.path, space.axes, trial.seed, space.settings.search.random_trials)
        self.metric = "goodput_per_s" if Slo(**space.baseline.container["slo"]) else "output_tokens_per_s"
        self.tried: dict[str, Tried] = {}

    def explore(self) -> None:
        """All trials. An engine stays for some of them in a row, for each change is a restart."""
        ask = self._ask.search
        engine_keys = {axis.key for axis in self._space.axes if cost(axis.key) is Cost.RESTART}
        kept: Mapping[str, Any] = {}
        for number in range(ask.trials):
            trial, picks = self._study.ask(self._space.options, kept if number % ask.stay else {})
            kept = held(trial, engine_keys)
            self._study.tell(trial, self._try(self._space.cell(picks)))

    def confirm(self) -> list[Confirmed]:
        """The best few against the command line as it stands, in fresh rounds."""
        ask = self._ask.search
        return confirm(self._space.baseline, self.best()[: ask.confirm], ask.confirm_rounds, self._value)

    def best(self) -> list[tuple[Cell, float]]:
        """What was tried and may be believed, best first; what is the baseline under another name is left out."""
        known = [(one.cell, one.mean) for one in self.tried.values() if one.mean is not None]
        others = [pair for pair in known if pair[0].effective_hash != self._space.baseline.effective_hash]
        return sorted(others, key=lambda pair: pair[1], reverse=True)

    def _try(self, cell: Cell) -> float | None:
        """A configuration that is asked for again is measured again, with other requests."""
        tried = self.tried.setdefault(cell.effective_hash, Tried(cell))
        value = self._value(again(tried.cell, len(tried.values)))
        tried.values.append(value)
        return value

    def _value(self, cell: Cell) -> float | None:
        result = self._rig.measure(cell)
        return None if result is None or self._said(result) else float(result.numbers[self.metric])

    def _said(self, result: Result) -> bool:
        """Whether the measurement is INVALID, which is then said."""
        for reason in result.invalid:
            self._progress.say(f"INVALID: {result.label}: {reason}")
        return bool(result.invalid)


def run(space: Space, folder: RunFolder) -> Told:
    """Search, confirm; writes search.json, summary.csv, the manifest. The folder is locked by the caller."""
    progress = Progress([])
    slo = Slo(**space.baseline.container["slo"])
    question = f"Which {', '.join(axis.key for axis in space.axes)} gives the most {_wanted(slo)}?"
    progress.say(f"{folder.path}: {question}")
    now = circumstances(sys.argv[1:], [space.baseline], "vgate.search")
    ask = space.settings.search
    cells = ask.trials + ask.confirm_rounds * (1 + ask.confirm)
    trial = space.settings.trial
    with session(folder, now, mix=trial.mix, seed=trial.seed, question=question, cells=cells):
        with Rig(folder, progress) as rig:
            search = Search(space, folder, rig, progress)
            search.explore()
            confirmed = search.confirm()
        told = tell(search.best(), confirmed, _counts(search), search.metric, slo)
        write_json(folder.path / RESULT, told.document)
        if folder.finished():
            write_summary(load_run(folder.path))
    return told


def _wanted(slo: Slo) -> str:
    return f"requests per second with {slo}" if slo else "output tokens per second"


def _counts(search: Search) -> Counter[str]:
    """trials, configurations, invalid: how many there were."""
    values = [value for one in search.tried.values() for value in one.values]
    return Counter(trials=len(values), configurations=len(search.tried), invalid=values.count(None))
