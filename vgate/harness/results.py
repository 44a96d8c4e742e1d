"""Reading a run's folder: what reports, notebooks and the terminal show, computed from the raw rows each time."""

import math
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from vgate.harness import certificate, gauges, records, server_records
from vgate.harness.certificate import Certificate
from vgate.harness.estimates import estimates
from vgate.harness.evidence import Evidence
from vgate.harness.imports.base import CUT_OFF
from vgate.harness.layout import (
    CELL,
    CERTIFICATE,
    CONFIG,
    GAUGES,
    MANIFEST,
    METRICS_AFTER,
    METRICS_BEFORE,
    REQUESTS,
    SERVER,
)
from vgate.harness.ledger import disagreements
from vgate.harness.metrics.goodput import Slo
from vgate.harness.metrics.rates import Window
from vgate.harness.numbers import flat
from vgate.harness.prometheus_text import total
from vgate.harness.reading import Unreadable, read_manifest, read_object, reading
from vgate.harness.server_numbers import server_numbers
from vgate.harness.stats.estimate import Estimate
from vgate.harness.store import RunFolder
from vgate.harness.validity import reasons, unchecked

TOKENS = "vgate_tokens_generated_total"
# What a cell.json has, imported ones included.
ABOUT = ("axes", "round", "effective_hash", "started_utc", "window_start", "window_end", "cpu_share")


class NoResults(Exception):
    """A folder that holds no run, or a run without a finished cell."""


@dataclass(frozen=True)
class Result:
    """One finished cell. `about` is its cell.json."""

    folder: Path
    about: dict[str, Any]

    @classmethod
    def read(cls, folder: Path | str) -> "Result":
        """The finished cell in `folder`. This and what is read later of its files raises Unreadable."""
        about = read_object(Path(folder) / CELL, *ABOUT)
        return (ImportedResult if about.get("imported") else cls)(Path(folder), about)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """All requests, warm-up and drain included."""
        path = self.folder / REQUESTS
        with reading(path):
            return records.load(path)

    @cached_property
    def server(self) -> pd.DataFrame | None:
        """The server's records of all requests (`vgate.harness.server_records`); None in runs that have none."""
        path = self.folder / SERVER
        with reading(path):
            return server_records.load(path) if path.exists() else None

    @cached_property
    def gauges(self) -> pd.DataFrame | None:
        """Who was where, from before the first request to after the last (`vgate.harness.gauges`); None as above."""
        path = self.folder / GAUGES
        with reading(path):
            return gauges.load(path) if path.exists() else None

    @cached_property
    def config(self) -> dict[str, Any]:
        """The resolved configuration, API keys blotted out."""
        path = self.folder / CONFIG
        with reading(path):
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or not {"load", "slo", "trial"} <= content.keys():
            raise Unreadable(f"{path}: is not as V-Gate writes it: it has no sections load, slo and trial")
        return content

    @property
    def window(self) -> Window:
        return Window(self.about["window_start"], self.about["window_end"])

    @property
    def slo(self) -> Slo:
        return Slo(**self.config["slo"])

    @property
    def label(self) -> str:
        """The cell's axes in one line."""
        return " ".join(f"{key}={value}" for key, value in self.about["axes"].items()) or self.config["trial"]["name"]

    @property
    def imported(self) -> dict[str, Any] | None:
        """What is known of the file that this was imported from; None for a measurement of ours."""
        about: dict[str, Any] | None = self.about.get("imported")
        return about

    @cached_property
    def estimates(self) -> dict[str, Estimate]:
        """`estimates` and `server_numbers` of this cell, and how long the driver ran and waited for a core."""
        shares = {"driver_cpu": Estimate(self.about["cpu_share"]), "driver_wait": Estimate(self._wait_share)}
        return {**estimates(self.rows, self.window, self.slo), **self._server_numbers, **shares}

    @property
    def _server_numbers(self) -> dict[str, Estimate]:
        found = server_numbers(self.rows, self.server, self.gauges, self.window)
        why = "not recorded, undefined or too few samples"
        return {name: Estimate(value, why=why if value is None else None) for name, value in found.items()}

    @cached_property
    def numbers(self) -> dict[str, Any]:
        """The same as a flat row: `vgate.harness.numbers`."""
        return flat(self.estimates)

    @cached_property
    def invalid(self) -> list[str]:
        """Why this measurement may not be believed, in words; empty if it may."""
        found = reasons(self._evidence)
        if self.server is None:
            return found
        return [*found, *disagreements(self.rows, self.server, self._metrics, self.about["records_dropped"])]

    @cached_property
    def unchecked(self) -> list[str]:
        """Which checks of its validity could not be made, and why."""
        return unchecked(self._evidence)

    @property
    def _evidence(self) -> Evidence:
        load, generated, cpu, wait = self.config["load"], self._generated(), self.about["cpu_share"], self._wait_share
        return Evidence(self.rows, self.window, cpu, generated, load, self.gauges, self.server, wait)

    @property
    def _wait_share(self) -> float:
        return float(self.about.get("wait_share", 0.0))  # not measured by earlier versions

    def _generated(self) -> float:
        before, after = (total(text, TOKENS) for text in self._metrics)
        return after - before

    @cached_property
    def _metrics(self) -> tuple[str, str]:
        return self._text(METRICS_BEFORE), self._text(METRICS_AFTER)

    def _text(self, name: str) -> str:
        path = self.folder / name
        with reading(path):
            return path.read_text(encoding="utf-8")


class ImportedResult(Result):
    """A cell whose rows another tool has measured: not all numbers can be had, and not all checks can be made."""

    @cached_property
    def estimates(self) -> dict[str, Estimate]:
        """NaN, not known, where the file does not hold what the number needs."""
        assert self.imported is not None  # Result.read has seen to it
        absent = tuple(self.imported["absent"])
        unknown = Estimate(math.nan, why="the imported file does not tell")
        found = estimates(self.rows, self.window, self.slo) | self._server_numbers
        return {name: unknown if name.startswith(absent) else number for name, number in found.items()}

    @property
    def _evidence(self) -> Evidence:
        """Without what the tool itself cut off: that is no failure of the server's."""
        rows = self.rows[self.rows["error"] != CUT_OFF]
        return Evidence(rows, self.window, None, None, self.config["load"])


@dataclass(frozen=True)
class Run:
    """A run's folder, read."""

    path: Path
    manifest: dict[str, Any]
    results: list[Result]
    failed: list[dict[str, Any]]
    dropped: dict[str, str] = field(default_factory=dict)
    """`effective_hash` -> why it was not measured to the end."""
    attempts: dict[str, int] = field(default_factory=dict)
    """Name of a cell's folder -> attempts before this one, INVALID, which are kept beside the cells; 0 is left out."""

    @cached_property
    def certificates(self) -> list[Certificate]:
        """Bounds of the instrument, for each number of driver processes: the worst of the sessions of this run."""
        return certificate.worst(certificate.load(self.path / CERTIFICATE))

    @property
    def imported(self) -> dict[str, Any] | None:
        """As of its results; None for a run of ours."""
        return self.results[0].imported if self.results else None

    @property
    def summary(self) -> pd.DataFrame:
        """One line per finished cell: axes, round, numbers, and `invalid`, the reasons (empty: valid)."""
        return pd.DataFrame(
            [
                {
                    **r.about["axes"],
                    "round": r.about["round"],
                    **r.numbers,
                    "invalid": "; ".join(r.invalid),
                    "cell": r.folder.name,
                }
                for r in self.results
            ]
        )

    @property
    def unchecked(self) -> list[str]:
        """What could not be checked, a line each, and in how many cells."""
        counts = Counter(words for result in self.results for words in result.unchecked)
        total = len(self.results)
        return [f"not checked: {words} ({count} of {total} cells)" for words, count in counts.items()]


def load_run(path: Path | str) -> Run:
    """Read a run's folder; raises NoResults, or Unreadable for a folder whose files are cut off or not of V-Gate."""
    folder = RunFolder(_with_a_name(Path(path)))
    if not (folder.path / MANIFEST).is_file():
        raise NoResults(f"{path}: no {MANIFEST} there; a run's folder is results/<run>")
    manifest = read_manifest(folder.path / MANIFEST)
    results = [Result.read(cell) for cell in folder.finished()]
    failed = folder.failed()
    if not results and not failed:
        raise NoResults(f"{path}: no cell of this run is finished")
    earlier = {result.folder.name: folder.earlier_attempts(result.folder.name) for result in results}
    attempts = {name: count for name, count in earlier.items() if count}
    return Run(folder.path, manifest, results, failed, folder.dropped(), attempts)


def _with_a_name(path: Path) -> Path:
    """`.` and `..` in full: a run is called as its folder, and a replay's folder stands beside it."""
    return path if path.name not in ("", "..") else path.resolve()
