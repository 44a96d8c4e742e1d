"""The real load driver, in its own process, against servers whose timing is known."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from vgate.harness import records
from vgate.harness.driving import LoadDriver
from vgate.harness.exchange import Exchange, read
from vgate.harness.golden.process import GoldenServer
from vgate.harness.golden.process import golden as running
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
    """Drive a load at an address: `drive(url, closed(2), duration_s=1)`, further fields of the plan by name."""

    def run(url: str, sections: Sections, tick: Callable[[], None] = lambda: None, **changes: Any) -> Driven:
        out = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        out.mkdir()
        changes = {"model": "golden", "warmup_s": 0.2, "duration_s": 1.0, "drain_s": 5.0, **changes}
        plan = Plan(base_url=url, seed=1, tag="t", out=str(out), **sections, **changes)
        outcome = driver.drive(plan, None, tick)
        return Driven(outcome, list(read(out / RAW)))

    return run


@pytest.fixture
def golden(tmp_path: Path) -> Iterator[Callable[..., GoldenServer]]:
    """Start golden servers: `golden(ttft_ms=50, itl_ms=10, bundle=1)`."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(running(tmp_path / "golden.log", **options))
