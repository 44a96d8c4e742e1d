"""The load driver's process, as the bench sees it."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from vgate.harness import child
from vgate.harness.layout import OUTCOME, PLAN
from vgate.harness.plan import Outcome, Plan

LOOK_EVERY_S = 0.05
SLACK_S = 60.0  # start, imports and writing, on a busy machine


class DriverFailed(Exception):
    """The load driver died or hung. The message has its last words."""


class LoadDriver:
    """One process for all cells of a sweep: it takes seconds to start, and it starts while the server does."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process if it does not run; returns at once."""
        if self._process is None or self._process.poll() is not None:
            self._process = child.start(["vgate.harness.driver"], self._log, stdin=subprocess.PIPE)

    def drive(self, plan: Plan, api_key: str | None, tick: Callable[[], None]) -> Outcome:
        """Drive a plan to its end; `tick` is called meanwhile. Raises DriverFailed, and what `tick` raises.

        A plan that is given up takes the process with it: it would go on sending.
        """
        self.start()
        assert self._process is not None  # started above
        assert self._process.stdin is not None  # with a pipe
        order = Path(plan.out, PLAN)
        plan.save(order)
        self._process.stdin.write(json.dumps({"plan": str(order), "api_key": api_key}).encode() + b"\n")
        self._process.stdin.flush()
        outcome = Path(plan.out, OUTCOME)
        limit = time.monotonic() + plan.warmup_s + plan.duration_s + plan.drain_s + SLACK_S
        try:
            while not outcome.exists():
                self._check(limit)
                tick()
                time.sleep(LOOK_EVERY_S)
        except BaseException:
            self.stop()
            raise
        return Outcome.load_from(outcome)

    def stop(self) -> None:
        """End the process; nothing of it is left."""
        if self._process is not None:
            child.stop(self._process, patience_s=0.5)
            self._process = None

    def _check(self, limit: float) -> None:
        assert self._process is not None  # only called while driving
        if self._process.poll() is not None:
            code, last = self._process.returncode, child.last_lines(self._log)
            raise DriverFailed(f"the load driver ended with exit code {code}; its log ends with:\n{last}")
        if time.monotonic() > limit:
            raise DriverFailed(f"the load driver hangs; its log ends with:\n{child.last_lines(self._log)}")
