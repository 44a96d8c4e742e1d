"""A run's numbers for programs: summary.csv, a line per cell, and summary.json, which also has reasons."""

import json
import math
from dataclasses import asdict
from typing import Any

from vgate.harness.files import write_text
from vgate.harness.layout import SUMMARY, SUMMARY_JSON
from vgate.harness.results import Result, Run
from vgate.harness.stats.estimate import Estimate

VERSIONS = ("vgate", "git", "python", "packages")


def write_summary(run: Run) -> None:
    """summary.csv and summary.json in the run's folder."""
    write_text(run.path / SUMMARY, run.summary.to_csv(index=False))
    write_text(run.path / SUMMARY_JSON, json.dumps(summary(run), indent=1, allow_nan=False) + "\n")


def summary(run: Run) -> dict[str, Any]:
    """Plain data: an object per cell, and the cells that could not be measured.

    `numbers` has an object per number: value, low and high (95 % interval), n, n_eff, and `why`, the reason where
    value or interval is null. A cell is valid if `invalid` is empty; `unchecked` says what could not be checked,
    `observed` what the server was asked for while it was measured (null: not told).
    """
    return {
        "run": run.manifest["name"],
        "finished": run.manifest["finished"],
        "valid": not run.failed and not any(result.invalid for result in run.results),
        "cells": [_cell(run, result) for result in run.results],
        "failed": run.failed,
    }


def _cell(run: Run, result: Result) -> dict[str, Any]:
    return {
        "cell": result.folder.name,
        "axes": result.about["axes"],
        "round": result.about["round"],
        "attempts": run.attempts.get(result.folder.name, 0) + 1,
        "started_utc": result.about["started_utc"],
        "slo": asdict(result.slo),
        "invalid": result.invalid,
        "unchecked": result.unchecked,
        "observed": result.about.get("observed"),
        "versions": _versions(run, result),
        "numbers": {name: _number(estimate) for name, estimate in result.estimates.items()},
    }


def _number(estimate: Estimate) -> dict[str, Any]:
    """NaN, which JSON has not, is null with a reason."""
    if estimate.value is not None and math.isnan(estimate.value):
        return asdict(Estimate(None, n=estimate.n, why=estimate.why or "undefined"))
    return asdict(estimate)


def _versions(run: Run, result: Result) -> dict[str, Any]:
    """Of the session that measured the cell: the last that began before it."""
    before = [session for session in run.manifest["sessions"] if session["utc"] <= result.about["started_utc"]]
    session = (before or run.manifest["sessions"])[-1]
    return {name: session.get(name) for name in VERSIONS}
