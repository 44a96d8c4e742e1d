"""The real load driver, in its own process, against servers whose timing is known."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

from vgate.harness import records
from vgate.harness.driving import LoadDriver
from vgate.harness.exchange import Exchange, read
from vgate.harness.layout import RAW
from vgate.harness.plan import Outcome, Plan

WORKLOAD = {
    "_target_": "vgate.workload.synthetic.Synthetic",
    "prompt_tokens": 8,
    "output_tokens": 8,
    "stream": True,
    "temperature": 0.0,
    "ignore_eos": True,
    "usage_per_chunk": False,
    "tokenizer": None,
}
Sections = dict[str, dict[str, Any]]


def closed(users: int, **workload: Any) -> Sections:
    """The sections of a plan: a closed loop, and short questions with changes."""
    load = {"_target_": "vgate.load.closed.Closed", "users": users}
    return {"load": load, "workload": {**WORKLOAD, **workload}}


def poisson(rate: float, **workload: Any) -> Sections:
    """The sections of a plan: an open loop, and short questions with changes."""
    load = {"_target_": "vgate.load.poisson.Poisson", "rate": rate}
    return {"load": load, "workload": {**WORKLOAD, **workload}}


@dataclass
class Driven:
    """What came of driving a load."""

    outcome: Outcome
    exchanges: list[Exchange]

    @property
    def rows(self) -> pd.DataFrame:
        return records.rows_from(self.exchanges, self.outcome)

    @property
    def window(self) -> list[Exchange]:
        return [e for e in self.exchanges if self.outcome.window_start <= e.t_int < self.outcome.window_end]


@pytest.fixture(scope="package")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadDriver]:
    started = LoadDriver(tmp_path_factory.mktemp("driver") / "driver.log")
    started.start()
    yield started
    started.stop()


@pytest.fixture
def drive(driver: LoadDriver, tmp_path: Path) -> Callable[..., Driven]:
    """Drive a load at an address: `drive(url, closed(2), duration_s=1)`."""

    def run(url: str, sections: Sections, **timing: float) -> Driven:
        out = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        out.mkdir()
        timing = {"warmup_s": 0.2, "duration_s": 1.0, "drain_s": 5.0, **timing}
        plan = Plan(base_url=url, model="golden", seed=1, tag="t", out=str(out), **sections, **timing)  # type: ignore[arg-type]
        outcome = driver.drive(plan, None, lambda: None)
        return Driven(outcome, list(read(out / RAW)))

    return run


@dataclass
class GoldenServer:
    """A running golden server."""

    url: str

    def stamps(self) -> dict[str, dict[str, Any]]:
        return dict(httpx.get(f"{self.url}/stamps", trust_env=False).json())

    def tokens(self) -> float:
        return float(httpx.get(f"{self.url}/metrics", trust_env=False).text.split()[1])


@pytest.fixture
def golden() -> Iterator[Callable[..., GoldenServer]]:
    """Start golden servers: `golden(ttft_ms=50, itl_ms=10, bundle=1)`."""
    started: list[subprocess.Popen[str]] = []

    def start(**timing: float) -> GoldenServer:
        options = [f"--{name.replace('_', '-')}={value}" for name, value in timing.items()]
        command = [sys.executable, "-m", "vgate.harness.golden", *options]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout is not None
        return GoldenServer(f"http://127.0.0.1:{int(started[-1].stdout.readline())}")

    yield start
    for process in started:
        process.terminate()
        process.communicate()
