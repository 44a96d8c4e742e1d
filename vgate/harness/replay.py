"""A run measured again from what its folder holds, and how far the two agree."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vgate.harness.again import invalid, set_aside
from vgate.harness.bundle import cells_of
from vgate.harness.cells import Cell
from vgate.harness.circumstances import circumstances, differences
from vgate.harness.comparing.unpaired import welch
from vgate.harness.files import write_json
from vgate.harness.layout import MANIFEST, REPLAY
from vgate.harness.manifest import session
from vgate.harness.progress import Progress
from vgate.harness.reading import read_manifest
from vgate.harness.results import NoResults, Result, Run
from vgate.harness.rig import Rig
from vgate.harness.schedule import COUNT, DIGEST, due_times, schedule_of
from vgate.harness.store import RunFolder
from vgate.harness.table import name

SHOWN = ("goodput_per_s", "output_tokens_per_s", "ttft_ms_p50", "tpot_ms_p50", "e2e_ms_p50")


class NotTheSame(Exception):
    """The run's seed and settings make other requests today. The message says for which cells."""


@dataclass(frozen=True)
class Replay:
    """Two results for each cell, the earlier first; None where it could not be measured again."""

    run: Run
    pairs: list[tuple[Result, Result | None]]
    environment: list[str]

    @property
    def problems(self) -> list[str]:
        """Why the replay is none, in words; empty if it is one."""
        return [f"{name(old.about)}: {told}" for old, new in self.pairs for told in _problems(old, new)]

    @property
    def unproven(self) -> int:
        """Cells of which the run does not say what was asked: it was measured before that was kept."""
        return sum(DIGEST not in old.about for old, _ in self.pairs)

    @property
    def text(self) -> str:
        """Everything, for a terminal."""
        proven = len(self.pairs) - self.unproven
        asked = [f"{proven} of {len(self.pairs)} cells: the plan of requests is identical, times and bytes (SHA-256)."]
        asked += [f"{self.unproven} were measured before its hash was kept."] if self.unproven else []
        circumstances_ = self.environment or ["Measured under the same circumstances, as far as they are kept."]
        return "\n".join([*asked, *circumstances_, *map(_row, self.comparison), *self.problems])

    @property
    def comparison(self) -> list[dict[str, Any]]:
        """One row for each configuration and number: means over its rounds, earlier and now."""
        labels = dict.fromkeys(old.label for old, _ in self.pairs)
        return [row for label in labels for row in self._rows(label)]

    def save(self, folder: Path) -> None:
        """replay.json in the folder of the new run."""
        document = {"of": str(self.run.path), "problems": self.problems, "unproven": self.unproven}
        write_json(folder / REPLAY, document | {"environment": self.environment, "numbers": self.comparison})

    def _rows(self, label: str) -> list[dict[str, Any]]:
        pairs = [(old, new) for old, new in self.pairs if new is not None and old.label == label]
        rows = []
        for column in SHOWN:
            values = [(old.numbers[column], new.numbers[column]) for old, new in pairs]
            known = [(a, b) for a, b in values if a and b and math.isfinite(a) and math.isfinite(b)]
            if known:
                rows.append({"configuration": label, "number": column, **_change(known)})
        return rows


def replay(run: Run, planned: list[Cell], folder: RunFolder, command: list[str]) -> Replay:
    """Measure the cells of `run`, `planned`, again into `folder`, which the caller has locked."""
    now, bad = circumstances(command, planned, "vgate.replay"), invalid(planned, folder)
    question = f"Is {run.path.name} the same when it is measured again?"
    about = {"seed": run.manifest["seed"], "question": question, "cells": len(planned)}
    with session(folder, now, going_on="without that folder a new one is begun", **about):
        set_aside(bad, folder, Progress([]))
        with Rig(folder, Progress([cell for cell in planned if not folder.has(cell)])) as rig:
            found = [rig.measure(cell) for cell in planned]
        made = Replay(run, list(zip(run.results, found, strict=True)), differences(run.manifest["sessions"], now))
        made.save(folder.path)
    return made


def plan(run: Run) -> list[Cell]:
    """The run's cells in their order. ConfigError if one cannot be made again; NoResults if there is none.

    NotTheSame if what it would ask is not what the run kept the hash of.
    """
    if not run.results:
        why = f"none of its cells was measured ({len(run.failed)} failed), so there is nothing to measure again"
        raise NoResults(f"{run.path}: {why}")
    planned = cells_of(run)
    if len({cell.key for cell in planned}) < len(planned):
        raise NoResults(f"{run.path}: some of its cells differ in targets (slo) alone, which is one measurement today")
    different = [name(old.about) for old, cell in zip(run.results, planned, strict=True) if not _same_plan(old, cell)]
    if different:
        raise NotTheSame(f"with this source and these packages other requests would be made for {', '.join(different)}")
    return planned


def folder_for(run: Run) -> Path:
    """results/<run>-replay, or the one that is not finished; with a number where there are finished ones."""
    number = 1
    while True:
        path = run.path.with_name(f"{run.path.name}-replay{f'-{number}' if number > 1 else ''}")
        if not (path / MANIFEST).exists() or not read_manifest(path / MANIFEST)["finished"]:
            return path
        number += 1


def _problems(old: Result, new: Result | None) -> list[str]:
    if new is None:
        return ["could not be measured again"]
    told = [f"INVALID: {reason}" for reason in new.invalid]
    return told if _due_alike(old, new) else [*told, "requests were due at other times than in the run"]


def _same_plan(old: Result, cell: Cell) -> bool:
    """Also of a run that kept no hash: there is nothing to hold it to."""
    if DIGEST not in old.about:
        return True
    asked = schedule_of(cell.container, cell.seed, old.about[COUNT])
    return cell.seed == old.about["seed"] and all(old.about[key] == value for key, value in asked.items())


def _due_alike(old: Result, new: Result) -> bool:
    """Whether the requests that both measured were due at the same times; in a closed loop the answers decide that."""
    if "users" in old.config["load"]:
        return True
    then, now = due_times(old.rows, old.window), due_times(new.rows, new.window)
    return all(then[request] == now[request] for request in then.keys() & now.keys())


def _change(known: list[tuple[float, float]]) -> dict[str, Any]:
    """Means, their relative change, and its 95 % interval where there are three rounds."""
    then, now = (sum(side) / len(known) for side in zip(*known, strict=True))
    logs = [[math.log(value) for value in side] for side in zip(*known, strict=True)]
    interval = welch(*logs)
    bounds = None if interval is None else [math.expm1(bound) for bound in interval]
    return {"then": then, "now": now, "change": now / then - 1, "interval": bounds, "rounds": len(known)}


def _row(row: dict[str, Any]) -> str:
    interval = row["interval"]
    sure = f" (95 % interval {interval[0]:+.1%} to {interval[1]:+.1%})" if interval else ""
    return (
        f"{row['configuration']}: {row['number']} {row['then']:.4g}, now {row['now']:.4g}: {row['change']:+.1%}{sure}"
    )
