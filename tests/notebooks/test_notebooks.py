"""The notebooks, executed: on a run that a real bench has made, and on made ones with INVALID and refused numbers."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.harness.rows import FakeRun, steady

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ANALYSIS, COMPARE = (ROOT / "notebooks" / name for name in ("analysis.ipynb", "compare_runs.ipynb"))
TINY = ["engine=dry_run", "engine.decode_step_ms=2", "load.users=4", "workload.output_tokens=8"]
SHORT = ["trial.warmup_s=0.2", "trial.duration_s=1", "trial.cooldown_s=0", "trial.certify=false"]


def executed(path: Path, **environment: str) -> str:
    """Everything that a notebook shows, as text."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}})
    client.execute(env={**os.environ, **environment, "PYTHONPATH": str(ROOT)})
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output for output in shown if output.output_type == "error"] == []
    texts = [output.get("text", "") + "".join(map(str, output.get("data", {}).values())) for output in shown]
    return "\n".join(texts)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("results")
    words = ["-m", "batch=passthrough,lockstep", *TINY, *SHORT, f"trial.results_dir={results}"]
    subprocess.run([sys.executable, "-m", "vgate.bench", *words], check=False, capture_output=True)
    (folder,) = (path for path in results.iterdir() if path.is_dir())
    return folder


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Two configurations: one INVALID, one with too few requests for a p99."""
    fake = FakeRun(tmp_path / "made")
    fake.add(steady(500), {"batch": "lockstep"}, cpu_share=0.99)
    fake.add(steady(100), {"batch": "passthrough"})
    return fake.path


def test_analysis_of_a_real_run(run: Path) -> None:
    shown = executed(ANALYSIS, VGATE_RUN=str(run))
    assert "batch=lockstep" in shown
    assert shown.count("<svg") >= 4
    assert "trial.rounds=3" in shown


def test_analysis_shows_what_is_invalid_and_refused(made: Path) -> None:
    shown = executed(ANALYSIS, VGATE_RUN=str(made))
    assert "INVALID: batch=lockstep: the load driver used 99% of a core" in shown
    assert "n<: too few samples for this percentile" in shown


def test_runs_side_by_side(run: Path, made: Path) -> None:
    shown = executed(COMPARE, VGATE_RUNS=f"{run}:{made}")
    assert "INVALID: batch=lockstep: the load driver used 99% of a core" in shown
    assert "n&lt;" in shown
    assert run.name in shown
    assert "2026-01-01T00:00:00+00:00" in shown  # when the made one was, in the circumstances that differ
    assert shown.count("<svg") >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_they_hold_no_logic(path: Path) -> None:
    """No functions, no classes, no arithmetic: a number that only a notebook can make is nobody's number."""
    forbidden = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.BinOp, ast.While, ast.ListComp, ast.DictComp)
    found = [node for source in _code(path) for node in ast.walk(ast.parse(source)) if isinstance(node, forbidden)]
    assert found == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_they_are_kept_without_outputs(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [(cell.outputs, cell.execution_count) for cell in cells] == [([], None)] * len(cells)


def _code(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
