"""A percentile for which a run has too few samples is shown nowhere: terminal, JSON, CSV, page, notebook."""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from vgate.harness.estimates import PERCENTS
from vgate.harness.metrics.e2e import e2e_ms
from vgate.harness.metrics.itl import itl_ms
from vgate.harness.metrics.offered import of_offered
from vgate.harness.metrics.percentile import minimum_n, nearest_rank
from vgate.harness.metrics.select import in_window
from vgate.harness.metrics.tpot import tpot_ms
from vgate.harness.metrics.ttft import ttft_ms
from vgate.harness.results import load_run

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "notebooks" / "analysis.ipynb"
METRICS = {"ttft_ms": ttft_ms, "tpot_ms": tpot_ms, "itl_ms": itl_ms, "e2e_ms": e2e_ms}
# Some 60 requests: enough for p90, not for p95, p99 and p99.9.
SHORT = ["engine=dry_run", "engine.decode_step_ms=3", "load.users=2", "workload.output_tokens=10"]
BRIEF = ["trial.warmup_s=0.2", "trial.duration_s=1", "trial.cooldown_s=0", "trial.certify=false"]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A real run's folder, and what the bench printed."""
    results = tmp_path_factory.mktemp("results")
    words = [*SHORT, *BRIEF, f"trial.results_dir={results}"]
    done = subprocess.run([sys.executable, "-m", "vgate.bench", *words], check=False, capture_output=True, text=True)
    (folder,) = (path for path in results.iterdir() if path.is_dir())
    return folder, done.stdout


@pytest.fixture(scope="module")
def outputs(short: tuple[Path, str]) -> dict[str, str]:
    """The text of everything that a person or a program reads."""
    folder, printed = short
    files = {
        name: (folder / name).read_text(encoding="utf-8") for name in ("summary.csv", "summary.json", "report.html")
    }
    return {"terminal": printed, "notebook": executed(folder), **files}


def executed(run: Path) -> str:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}})
    client.execute(env={**os.environ, "VGATE_RUN": str(run), "PYTHONPATH": str(ROOT)})
    # The slowest requests, one by one, are rows and not percentiles of them.
    return json.dumps([cell.get("outputs", []) for cell in notebook.cells if ".tail(" not in cell.source])


def refused(run: Path) -> Iterator[tuple[str, float]]:
    """Name and value of each percentile that must not be shown."""
    (result,) = load_run(run).results
    due = in_window(result.rows)
    for metric, values in METRICS.items():
        samples = of_offered(due, values)
        ordered = sorted(samples)
        for percent in PERCENTS:
            if samples.index.nunique() < minimum_n(percent):
                yield f"{metric}_p{percent:g}", nearest_rank(ordered, percent)


def test_the_run_is_short_enough_to_refuse_and_long_enough_to_show(short: tuple[Path, str]) -> None:
    names = {name for name, _ in refused(short[0])}
    assert {"ttft_ms_p99", "e2e_ms_p99", "tpot_ms_p99.9"} <= names
    assert "ttft_ms_p50" not in names


@pytest.mark.parametrize("place", ["terminal", "summary.csv", "summary.json", "report.html", "notebook"])
def test_no_refused_value_is_in(place: str, short: tuple[Path, str], outputs: dict[str, str]) -> None:
    """To five digits; the slowest request of a short run is what its p99 would be."""
    shown = outputs[place]
    if place in {"report.html", "notebook"}:
        shown = re.sub(r"<[^>]*>", " ", shown)  # the coordinates in a drawing are not numbers of the run
    for name, value in refused(short[0]):
        assert not re.search(rf"(?<![\d.]){re.escape(f'{value:.4f}'[:-1])}", shown), name


def test_the_terminal_and_the_page_mark_what_is_refused(outputs: dict[str, str]) -> None:
    line = outputs["terminal"].strip().splitlines()[1]
    assert line.count("n<") >= 2
    assert "n<: too few samples for this percentile" in outputs["terminal"]
    assert "n&lt;" in outputs["report.html"]


def test_json_and_csv_have_nothing_there(short: tuple[Path, str], outputs: dict[str, str]) -> None:
    (cell,) = json.loads(outputs["summary.json"])["cells"]
    (line,) = csv.DictReader(outputs["summary.csv"].splitlines())
    for name, _ in refused(short[0]):
        number: dict[str, Any] = cell["numbers"][name]
        assert (number["value"], number["low"], number["high"]) == (None, None, None)
        assert re.fullmatch(r"\d+ requests; p[\d.]+ needs \d+", number["why"])
        assert line[name] == line[f"{name}_high"] == ""
