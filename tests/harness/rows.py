"""Rows and runs made by hand, in milliseconds, for exact tests."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from vgate.harness import gauges, records, server_records
from vgate.harness.files import write_json
from vgate.harness.layout import CELL, CONFIG, GAUGES, MANIFEST, METRICS_AFTER, METRICS_BEFORE, REQUESTS, SERVER
from vgate.harness.metrics.rates import Window

MS = 1_000_000
WINDOW = Window(0, 1000 * MS)


def row(
    t_int: float = 0.0, lag: float = 0.0, tok: tuple[float, ...] = (10.0, 20.0, 30.0), **changes: Any
) -> dict[str, Any]:
    """A request due at `t_int` whose chunks of one token came at `tok`, all in milliseconds; `t_end` with the last."""
    made: dict[str, Any] = {
        "request_id": f"r{t_int}",
        "phase": "window",
        "t_int": round(t_int * MS),
        "t_send": round((t_int + lag) * MS),
        "t_tok": [round(moment * MS) for moment in tok],
        "n_tok": [1] * len(tok),
        "t_end": round(tok[-1] * MS) if tok else None,
        "status": 200,
        "completion_tokens": len(tok),
        "client_tokens": len(tok),
    }
    return made | {key: round(v * MS) if key == "t_end" and v is not None else v for key, v in changes.items()}


def failed(t_int: float = 0.0, **changes: Any) -> dict[str, Any]:
    """A request that was refused."""
    empty = {"status": 503, "error": "HTTP 503: full", "completion_tokens": None, "client_tokens": 0, "n_tok": None}
    return row(t_int, tok=(), **{"t_end": t_int + 1, **empty, **changes})


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    return records.frame(list(rows))


def steady(count: int, ttft_ms: float = 50.0, tpot_ms: float = 10.0, lag_ms: float = 0.01) -> pd.DataFrame:
    """Requests spread over a second, each with 11 tokens."""
    every = 1000.0 / count
    tokens = [tuple(n * every + ttft_ms + i * tpot_ms for i in range(11)) for n in range(count)]
    return frame(*(row(n * every, lag_ms, tok) for n, tok in enumerate(tokens)))


class FakeRun:
    """A run's folder, written by hand."""

    def __init__(self, path: Path, question: str | None = None) -> None:
        self.path = path
        (path / "cells").mkdir(parents=True)
        (path / "failures").mkdir()
        session = {"command": "python -m vgate.bench", "utc": "2026-01-01T00:00:00+00:00", "git": None}
        manifest = {"name": path.name, "question": question, "seed": 0, "cells": 0, "finished": True}
        write_json(path / MANIFEST, manifest | {"sessions": [session]})
        self._count = 0

    def add(self, rows: pd.DataFrame, axes: dict[str, str] | None = None, **changes: Any) -> None:
        """A finished cell. changes: round, effective (hash), cpu_share, generated (tokens), slo, load, note,
        config (further sections), server (its records), samples (of its gauges)."""
        self._count += 1
        folder = self.path / "cells" / f"cell{self._count}"
        folder.mkdir()
        about = {
            "axes": axes or {},
            "round": changes.get("round", 0),
            "effective_hash": changes.get("effective", str(axes)),
            "started_utc": f"2026-01-01T00:00:{self._count:02d}.000+00:00",
            "cpu_share": changes.get("cpu_share", 0.1),
            "window_start": WINDOW.start,
            "window_end": WINDOW.end,
            "note": changes.get("note"),
            "records_dropped": 0,
        }
        generated = changes.get("generated", int(rows["completion_tokens"].fillna(0).sum()))
        config = {
            "load": changes.get("load", {"users": 1}),
            "slo": changes.get("slo", {"ttft_ms": 500.0, "tpot_ms": 50.0, "e2e_ms": None}),
            "trial": {"name": "trial"},
            **changes.get("config", {}),
        }
        (folder / CELL).write_text(json.dumps(about), encoding="utf-8")
        (folder / CONFIG).write_text(yaml.safe_dump(config), encoding="utf-8")
        (folder / METRICS_BEFORE).write_text("vgate_tokens_generated_total 100.0\n", encoding="utf-8")
        (folder / METRICS_AFTER).write_text(f"vgate_tokens_generated_total {100.0 + generated}\n", encoding="utf-8")
        records.save(rows, folder / REQUESTS)
        if "server" in changes:
            server_records.save(changes["server"], folder / SERVER)
        if "samples" in changes:
            gauges.save(changes["samples"], folder / GAUGES)

    def add_failure(self, axes: dict[str, str], reason: str, number: int = 0) -> None:
        """A cell that could not be measured, of round `number`."""
        name = f"{reason[:5]}-{'-'.join(axes.values())}-{number}.json"
        write_json(self.path / "failures" / name, {"axes": axes, "round": number, "reason": reason})
