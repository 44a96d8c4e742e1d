"""The load driver's processes, as the bench sees them."""

import contextlib
import json
import math
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vgate.harness import child
from vgate.harness.layout import DRAINED, OUTCOME, PLAN, RAW, READY, part_of
from vgate.harness.plan import Outcome, Plan
from vgate.load.base import Load

LOOK_EVERY_S = 0.05
SLACK_S = 120.0  # start, imports and writing, on a busy machine
LEAD_NS = 100_000_000  # from all processes being ready to the plan's offset 0
RATE_PER_DRIVER = 500.0  # of short streams; longer ones cost more, and a driver that is too busy makes a run INVALID


class DriverFailed(Exception):
    """The load driver died or hung, or does not count right. The message says why, with its last words."""


class LoadDriver:
    """Processes for all cells of a sweep: they take seconds to start, and the first starts while the server does."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._told = 0  # bytes of the log that are from before this plan: an old error is not the reason of a new one
        self._processes: list[subprocess.Popen[bytes]] = []
        self.certified: set[int] = set()  # numbers of processes; set by who has seen to it

    @property
    def pids(self) -> list[int]:
        """Of the processes that have been started, in the order of their parts."""
        return [process.pid for process in self._processes]

    def start(self, count: int = 1) -> None:
        """Start processes until `count` of them run; returns at once."""
        for dead in [process for process in self._processes if process.poll() is not None]:
            self._processes.remove(dead)
            child.stop(dead, patience_s=0.0)
        while len(self._processes) < count:
            self._processes.append(child.start(["vgate.harness.driver"], self._log, stdin=subprocess.PIPE))

    def drive(self, plan: Plan, api_key: str | None, tick: Callable[[], None]) -> Outcome:
        """Drive a plan to its end; `tick` is called meanwhile. Raises DriverFailed, and what `tick` raises.

        The files of all processes are one when this returns. A plan that is given up takes the processes with it: they
        would go on sending.
        """
        self._told = child.size(self._log)
        self.start(plan.drivers)
        order = Path(plan.out, PLAN)
        plan.save(order)
        try:
            for part in range(plan.drivers):
                self._tell(part, {"plan": str(order), "api_key": api_key, "part": part})
            self._wait(plan, READY, SLACK_S, tick)
            start = time.monotonic_ns() + LEAD_NS
            for part in range(plan.drivers):
                self._tell(part, {"start": start})
            self._wait(plan, OUTCOME, plan.warmup_s + plan.duration_s + plan.drain_s + SLACK_S, tick)
        except BaseException:
            self.stop()
            raise
        return merge(Path(plan.out), plan.drivers)

    def stop(self) -> None:
        """End the processes; nothing of them is left."""
        while self._processes:
            child.stop(self._processes.pop(), patience_s=0.5)

    def _tell(self, part: int, message: dict[str, Any]) -> None:
        pipe = self._processes[part].stdin
        assert pipe is not None  # each was started with one
        with contextlib.suppress(BrokenPipeError):  # it has died; the next look says so
            pipe.write(json.dumps(message).encode() + b"\n")
            pipe.flush()

    def _wait(self, plan: Plan, name: str, limit_s: float, tick: Callable[[], None]) -> None:
        """Until each process has written its file of that name."""
        limit = time.monotonic() + limit_s
        while not all(path.exists() for path in _parts(Path(plan.out), name, plan.drivers)):
            self._check(limit)
            tick()
            time.sleep(LOOK_EVERY_S)

    def _check(self, limit: float) -> None:
        for process in self._processes:
            if process.poll() is not None:
                raise DriverFailed(f"the load driver ended with exit code {process.returncode}; {self._last_words()}")
        if time.monotonic() > limit:
            raise DriverFailed(f"the load driver hangs; {self._last_words()}")

    def _last_words(self) -> str:
        return f"its log ends with:\n{child.last_lines(self._log, since=self._told)}"


def drivers_for(load: Load) -> int:
    """Processes that a load asks for: one for each RATE_PER_DRIVER requests/s of an open loop, one for a closed one.

    Never more than half of the cores: the server needs the others.
    """
    wanted = math.ceil((load.offered_rate or 0.0) / RATE_PER_DRIVER)
    return max(1, min(wanted, len(os.sched_getaffinity(0)) // 2))


def merge(folder: Path, drivers: int) -> Outcome:
    """Make one of the files that the processes left in a plan's folder."""
    outcome = Outcome.of_all([Outcome.load_from(path) for path in _parts(folder, OUTCOME, drivers)])
    raw, *others = _parts(folder, RAW, drivers)
    with raw.open("ab") as whole:
        for part in others:
            with part.open("rb") as file:
                shutil.copyfileobj(file, whole)
    flags = [*_parts(folder, READY, drivers), *_parts(folder, DRAINED, drivers)]
    for path in [*others, *_parts(folder, OUTCOME, drivers)[1:], *flags]:
        path.unlink()
    outcome.save(folder / OUTCOME)
    return outcome


def _parts(folder: Path, name: str, drivers: int) -> list[Path]:
    return [folder / part_of(name, part) for part in range(drivers)]
