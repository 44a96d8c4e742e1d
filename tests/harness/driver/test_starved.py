"""A driver that does not get its core is found out."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.harness.driver.conftest import Driven, GoldenServer, poisson
from vgate.harness.driver.pacing import waited_for_a_core_ns
from vgate.harness.driving import LoadDriver
from vgate.harness.evidence import Evidence
from vgate.harness.metrics.rates import Window
from vgate.harness.validity import reasons

Drive = Callable[..., Driven]
Golden = Callable[..., GoldenServer]


@contextmanager
def spinning(core: int, count: int) -> Iterator[None]:
    """So many other processes that want all of a core."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        for process in processes:
            os.sched_setaffinity(process.pid, {core})
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_spinners_on_its_core_make_the_run_invalid(drive: Drive, golden: Golden, driver: LoadDriver) -> None:
    """Nine: a tenth of a core is too little for this load, which needs a quarter, under any scheduler.

    The waiting is seen in one of three runs at least: while a virtual machine stands still nobody in it waits.
    """
    server = golden(ttft_ms=50, itl_ms=10)
    drive(server.url, poisson(20.0), duration_s=0.1)  # to start would take it very long
    for _ in range(3):
        before = server.tokens()
        driven = starved(drive, server.url, driver.pids[0])
        outcome = driven.outcome
        window = Window(outcome.window_start, outcome.window_end)
        shares = {"cpu_share": outcome.cpu_share, "wait_share": outcome.wait_share}
        seen = Evidence(driven.rows, window, generated=server.tokens() - before, load={"rate": 300.0}, **shares)
        found = reasons(seen)
        assert any("the load driver" in reason for reason in found), (outcome, found)
        if outcome.wait_share > 0.05:
            return
    pytest.fail(f"it was not seen to wait: {outcome}")


def starved(drive: Drive, url: str, pid: int) -> Driven:
    """A run of a driver that shares its core with the nine."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(pid, {min(cores)})
    try:
        with spinning(min(cores), 9):
            return drive(url, poisson(300.0, output_tokens=16), duration_s=2.0)
    finally:
        os.sched_setaffinity(pid, cores)


def test_waiting_for_a_core_is_counted() -> None:
    """Two that spin on one core wait for half of the time each."""
    core = min(os.sched_getaffinity(0))
    before_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        with spinning(core, 1):
            before = waited_for_a_core_ns()
            sum(range(10_000_000))
            assert waited_for_a_core_ns() - before > 20_000_000
    finally:
        os.sched_setaffinity(0, before_cores)
