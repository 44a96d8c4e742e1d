"""Several runs beside each other: the same configurations in each, and the circumstances in which they differ."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vgate.harness.configurations import Configuration, configurations
from vgate.harness.page.rows import flat, line
from vgate.harness.results import NoResults, Run, load_run
from vgate.harness.runs import runs_in
from vgate.harness.standing import INVALID, state
from vgate.harness.table import columns_of
from vgate.harness.verdict import judge


def runs_of(paths: str | None, results: Path | str) -> list[Run]:
    """The runs of folders given as one text, separated by colons, or else the two newest of a results folder.

    Raises NoResults.
    """
    if paths:
        return [load_run(path) for path in paths.split(":")]
    found = runs_in(results)
    if len(found) < 2:
        raise NoResults(f"{results}: fewer than two runs there")
    return [load_run(path) for path in found[1::-1]]


def numbers(runs: Sequence[Run]) -> pd.DataFrame:
    """A line per configuration and run, as in a report's table: refused percentiles are marks, INVALID is a word."""
    lines = []
    for run in runs:
        columns = columns_of(run)
        for one in configurations(run, judge(run).metric):
            texts = {column: text for column, text, _ in line(one, 0, columns).cells}
            states = sorted({state(result) for result in one.results}, key=lambda name: name != INVALID)
            lines.append({"configuration": one.label, "run": run.path.name, "state": ", ".join(states), **texts})
    return pd.DataFrame(lines).sort_values("configuration", kind="stable").set_index(["configuration", "run"])


def circumstances(runs: Sequence[Run]) -> pd.DataFrame:
    """What differs between the runs' last sessions, a column per run: other reasons why their numbers may differ."""
    facts = {run.path.name: dict(flat(_last_session(run))) for run in runs}
    frame = pd.DataFrame(facts).astype(str)
    return frame[frame.ne(frame.iloc[:, 0], axis=0).any(axis=1)]


def best_of_each(runs: Sequence[Run]) -> list[Configuration]:
    """The best configuration of each run, under the run's name."""
    found = [(run.path.name, configurations(run, judge(run).metric)[:1]) for run in runs]
    return [Configuration({"run": name, **best.axes}, best.results) for name, first in found for best in first]


def _last_session(run: Run) -> dict[str, Any]:
    session: dict[str, Any] = run.manifest["sessions"][-1]
    return session
