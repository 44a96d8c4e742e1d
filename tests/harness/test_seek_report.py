"""A search's folder is reported as what it is: its own answer, and not a sweep of the cells that it measured."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.harness.capacity.test_seek import GOAL, cliff, server
from tests.harness.rows import FakeRun, steady
from vgate.harness.capacity.seek import Found, Seek
from vgate.harness.capacity.telling import document
from vgate.harness.cells import single
from vgate.harness.files import read_json, write_json
from vgate.harness.index import write_index
from vgate.harness.metrics.goodput import Slo
from vgate.harness.reading import Unreadable
from vgate.harness.results import Run, load_run
from vgate.harness.search.confirm import Confirmed
from vgate.harness.search.telling import tell
from vgate.harness.seek_report import sought, write_seek_report

TARGETS = "TTFT <= 500 ms"


@pytest.fixture(scope="module")
def found() -> Found:
    return Seek(server(cliff), GOAL).run()


def run_of(path: Path, program: str, name: str | None = None, content: object = None) -> Run:
    """A search's folder with one cell, and its answer if it has one."""
    made = FakeRun(path / "run", question="Up to which <rate>?")
    made.add(steady(100), {"load.rate": "10"})
    manifest = read_json(made.path / "manifest.json")
    manifest["sessions"][0] |= {"command": f"python -m {program} +preset=cpu slo=chat"}
    write_json(made.path / "manifest.json", manifest)
    if name is not None:
        write_json(made.path / name, content)
    return load_run(made.path)


def page_of(run: Run) -> str:
    told = sought(run)
    assert told is not None
    return write_seek_report(run, told).read_text(encoding="utf-8")


def test_a_sweep_is_none_of_them(tmp_path: Path) -> None:
    assert sought(run_of(tmp_path, "vgate.bench")) is None


def test_a_capacity_search(tmp_path: Path, found: Found) -> None:
    """Its answer first, then each rate and each window with what was decided there."""
    bad = replace(found, probes=[replace(found.probes[0], faults=("the load driver sent late",)), *found.probes[1:]])
    told = document(bad, GOAL, TARGETS)
    run = run_of(tmp_path, "vgate.capacity", "capacity.json", told)
    page = page_of(run)
    assert page.index("Capacity: ") < page.index("<table>")
    assert "Up to which &lt;rate&gt;?" in page
    for rate in found.known.evidence:
        assert f'<th scope="row">{rate:g}</th>' in page
    assert page.count("<td>counts</td>") == len(found.probes) - 1
    assert "INVALID, does not count: the load driver sent late" in page
    assert f"<td>{found.probes[-1].attainment:.2%}</td>" in page
    assert read_json(run.path / "verdict.json")["headline"] == told["words"][0]
    assert "Capacity: " in write_index(tmp_path).read_text(encoding="utf-8")


def test_the_answer_of_an_earlier_version(tmp_path: Path, found: Found) -> None:
    """Its windows had no attainment."""
    told = document(found, GOAL, TARGETS)
    told["windows"] = [{key: value for key, value in one.items() if key != "attainment"} for one in told["windows"]]
    assert "<td>-</td><td>counts</td>" in page_of(run_of(tmp_path, "vgate.capacity", "capacity.json", told))


def test_a_search_for_settings(tmp_path: Path) -> None:
    cell = single(["engine=dry_run"], {"batch": "lockstep"})
    confirmed = [
        Confirmed("batch=lockstep", 12.0, 10.0, (1.0, 3.0), 5, 13.0, measured=5, lost=0, baseline_lost=0),
        Confirmed("x", None, None, None, 1, 9.0, measured=1, lost=0, baseline_lost=0),
    ]
    counts = Counter(trials=4, configurations=3, invalid=1)
    told = tell([(cell, 13.0)], confirmed, counts, "goodput_per_s", Slo(ttft_ms=500.0))
    run = run_of(tmp_path, "vgate.search", "search.json", told.document)
    page = page_of(run)
    assert told.lines[0] in page
    assert "<td>+1 to +3</td><td>5</td><td>13</td><td>better</td>" in page
    assert "<td>-</td><td>1</td><td>9</td><td>too few rounds</td>" in page


@pytest.mark.parametrize("program", ["vgate.capacity", "vgate.search"])
def test_one_that_has_not_ended(tmp_path: Path, program: str) -> None:
    run = run_of(tmp_path, program)
    told = sought(run)
    assert told is not None
    assert not told.decided
    assert "has not ended" in told.words[0]
    assert f"The same command goes on: python -m {program} +preset=cpu slo=chat" in page_of(run)


@pytest.mark.parametrize("content", [[], {"words": ["a"]}, {"words": ["a"], "rates": [{}], "windows": []}])
def test_an_answer_of_another_program(tmp_path: Path, content: object) -> None:
    with pytest.raises(Unreadable, match=r"capacity\.json: is "):
        sought(run_of(tmp_path, "vgate.capacity", "capacity.json", content))
