"""An imported file as a run's folder."""

import hashlib
import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import vgate
from vgate.harness import records
from vgate.harness.files import write_json, write_yaml
from vgate.harness.imports.base import Benchmark, Imported
from vgate.harness.layout import CELL, CONFIG, MANIFEST, REQUESTS

NO_TARGETS = {"ttft_ms": None, "tpot_ms": None, "e2e_ms": None}


def write_run(imported: Imported, source: Path, results: Path) -> Path:
    """Write manifest and cells; the folder's name is that of the tool and of the file's content."""
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    slug = imported.tool.lower().replace(" ", "-")
    folder = results / f"import-{slug}-{digest[:8]}"
    shutil.rmtree(folder, ignore_errors=True)
    for number, benchmark in enumerate(imported.benchmarks, 1):
        _write_cell(folder / "cells" / f"{number:02d}", benchmark, imported, number)
    session = {
        "utc": datetime.fromtimestamp(source.stat().st_mtime, UTC).isoformat(timespec="seconds"),
        "imported": {"tool": imported.tool, "file": source.name, "sha256": digest},
        "vgate": vgate.__version__,
        "git": None,  # of what was measured nothing is known
    }
    question = f"What {imported.tool} measured, in {source.name}"
    manifest = {"name": folder.name, "question": question, "seed": None, "cells": len(imported.benchmarks)}
    write_json(folder / MANIFEST, manifest | {"finished": True, "sessions": [session]})
    return folder


def _write_cell(folder: Path, benchmark: Benchmark, imported: Imported, number: int) -> None:
    folder.mkdir(parents=True)
    records.save(records.frame(benchmark.rows), folder / REQUESTS)
    write_yaml(folder / CONFIG, {"load": benchmark.load, "slo": NO_TARGETS, "trial": {"name": imported.tool}})
    write_json(folder / CELL, _about(benchmark, imported, number))


def _about(benchmark: Benchmark, imported: Imported, number: int) -> dict[str, Any]:
    begin, end = benchmark.window
    return {
        "axes": benchmark.axes,
        "round": 0,
        "effective_hash": str(number),  # each is a load of its own
        "started_utc": f"{number:02d}",  # the order in the file
        "window_start": begin,
        "window_end": end,
        "cpu_share": None,
        "imported": {
            "tool": imported.tool,
            "words": imported.words,
            "absent": benchmark.absent,
            "notes": benchmark.notes,
            "said": [asdict(said) for said in benchmark.said],
        },
    }
