"""What a capacity search or a search for settings found: report.html and verdict.json of their folders.

Their cells are no configurations to choose among: each was measured to decide what to measure next, so the page tells
the search's own answer, kept in capacity.json or search.json, and what it rests on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vgate.harness.files import write_json, write_text
from vgate.harness.layout import CAPACITY, REPORT, SEARCH, VERDICT
from vgate.harness.page.command import going_on
from vgate.harness.page.render import render
from vgate.harness.reading import read_object, reading
from vgate.harness.results import Run
from vgate.harness.standing import counts
from vgate.harness.table import problems

MOST = 50  # of what a search has tried, the best so many are shown; all are in its file


@dataclass(frozen=True)
class Table:
    """Texts, a list for each row."""

    title: str
    note: str
    headings: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Sought:
    """A search's outcome. kind: what it is, in words; file: where its answer is kept. decided: whether it has one."""

    kind: str
    file: str
    words: list[str]
    tables: list[Table]
    decided: bool


def sought(run: Run) -> Sought | None:
    """What the search found whose folder this is; None for runs of other programs. Raises Unreadable."""
    for program, (kind, file, read) in _SEARCHES.items():
        if _program(run) == f"vgate.{program}":
            path = run.path / file
            if not path.exists():
                return _unfinished(run, kind, file)
            document = read_object(path, "words")
            with reading(path):
                return read(document, kind, file)
    return None


def write_seek_report(run: Run, found: Sought) -> Path:
    """Write report.html and verdict.json into the search's folder; returns the path of the first."""
    headline, *details = found.words
    measurements, wrong = counts(run), problems(run)
    write_json(
        run.path / VERDICT,
        {"headline": headline, "details": details, "measurements": measurements, "problems": wrong},
    )
    page = render("seek.html", run=run, found=found, counts=measurements, problems=wrong)
    write_text(run.path / REPORT, page)
    return run.path / REPORT


def _program(run: Run) -> str:
    """That measured the run last; empty where it is not known."""
    sessions = run.manifest["sessions"]
    words = str(sessions[-1].get("command", "")).split() if sessions else []
    return words[2] if words[:2] == ["python", "-m"] and len(words) > 2 else ""


def _unfinished(run: Run, kind: str, file: str) -> Sought:
    command = going_on(run.manifest["sessions"][-1]["command"])
    words = [f"This {kind} has not ended, so it has no answer yet ({file}).", f"The same command goes on: {command}"]
    return Sought(kind, file, words, [], decided=False)


def _capacity(document: dict[str, Any], kind: str, file: str) -> Sought:
    rates = [
        [f"{one['rate']:g}", str(one["requests"]), f"{one['independent']:.0f}", f"{1 - one['bad_share']:.2%}",
         one["limit"], one["verdict"]]
        for one in document["rates"]
    ]  # fmt: skip
    windows = [
        [str(number), f"{one['rate']:g}", str(one["requests"]), _share(one.get("attainment")), _counted(one["faults"])]
        for number, one in enumerate(document["windows"], 1)
    ]
    independent = "Independent: so many independent requests would say as much, for those that wait together are alike."
    tables = [
        Table(
            "Each rate",
            f"All windows at a rate together, by the target that was missed most often; {document['targets']}."
            f" {independent}",
            ["requests/s", "requests", "independent", "attainment", "target", "by itself (c = 0.99)"],
            rates,
        ),
        Table(
            "Each window, in order",
            "Attainment: requests that met all targets.",
            ["window", "requests/s", "requests", "attainment", "decision"],
            windows,
        ),
    ]
    return Sought(kind, file, list(document["words"]), tables, bool(document["exact_enough"]))


def _search(document: dict[str, Any], kind: str, file: str) -> Sought:
    confirmed = [
        [one["label"], _number(one["value"]), _number(one["baseline"]), _ends(one["interval"]), str(one["rounds"]),
         _number(one["searched"]), _verdict(one)]
        for one in document["confirmed"]
    ]  # fmt: skip
    tried = [[one["configuration"], _number(one["value"])] for one in document["best_of_search"][:MOST]]
    metric = document["metric"]
    tables = [
        Table(
            "Confirmed beside the command line as it stands",
            f"{metric} over the same fresh rounds; the intervals of the differences hold for all candidates together.",
            ["configuration", "mean", "baseline", "difference", "rounds", "in the search", "verdict"],
            confirmed,
        ),
        Table(
            f"The best {len(tried)} of what was tried",
            f"{metric} in the search itself: the best of many is partly the luckiest.",
            ["configuration", metric],
            tried,
        ),
    ]
    return Sought(kind, file, list(document["words"]), tables, bool(document["decided"]))


def _share(value: float | None) -> str:
    """Earlier versions did not keep it."""
    return "-" if value is None else f"{value:.2%}"


def _counted(faults: list[str]) -> str:
    return f"INVALID, does not count: {'; '.join(faults)}" if faults else "counts"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _ends(interval: list[float] | None) -> str:
    return "-" if interval is None else f"{interval[0]:+.4g} to {interval[1]:+.4g}"


def _verdict(one: dict[str, Any]) -> str:
    if one["interval"] is None:
        return "too few rounds"
    if not one.get("decided", True):
        return "undecided"
    return "better" if one["better"] else "worse" if one["interval"][1] < 0 else "no difference shown"


Read = Callable[[dict[str, Any], str, str], Sought]
_SEARCHES: dict[str, tuple[str, str, Read]] = {
    "capacity": ("capacity search", CAPACITY, _capacity),
    "search": ("search for settings", SEARCH, _search),
}
