"""The notebook, executed on a run that a real bench has made."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "analysis.ipynb"
TINY = ["engine=dry_run", "engine.decode_step_ms=2", "load.users=4", "workload.output_tokens=8"]
SHORT = ["trial.warmup_s=0.2", "trial.duration_s=1", "trial.cooldown_s=0"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("results")
    words = ["-m", "batch=passthrough,lockstep", *TINY, *SHORT, f"trial.results_dir={results}"]
    subprocess.run([sys.executable, "-m", "vgate.bench", *words], check=False, capture_output=True)
    (folder,) = results.iterdir()
    return folder


def code_cells() -> list[str]:
    return [cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]


def test_it_runs_from_top_to_bottom(run: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}})
    client.execute(env={**os.environ, "VGATE_RUN": str(run), "PYTHONPATH": str(ROOT)})
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output for output in shown if output.output_type == "error"] == []
    assert any("batch=lockstep" in str(output.get("data", {}).get("text/html", "")) for output in shown)
    assert sum("image/svg+xml" in output.get("data", {}) for output in shown) >= 2


def test_it_holds_no_logic() -> None:
    """No functions, no classes, no arithmetic: a number that only a notebook can make is nobody's number."""
    forbidden = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.BinOp, ast.While, ast.ListComp, ast.DictComp)
    found = [node for source in code_cells() for node in ast.walk(ast.parse(source)) if isinstance(node, forbidden)]
    assert found == []


def test_it_is_kept_without_outputs() -> None:
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    assert [(cell.outputs, cell.execution_count) for cell in cells] == [([], None)] * len(cells)
