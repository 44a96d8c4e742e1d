"""Workloads for tests."""

from typing import Any

from vgate.load.workload import Workload


def workload(**changes: Any) -> Workload:
    """The defaults of conf/load, with changes."""
    defaults: dict[str, Any] = {
        "prompt_tokens": 32,
        "output_tokens": 32,
        "stream": True,
        "temperature": 0.0,
        "ignore_eos": True,
        "repeat_ratio": 0.0,
        "repeat_pool": 16,
        "usage_per_chunk": False,
    }
    return Workload(**{**defaults, **changes})


class Recorder:
    """A driver that notes what it is asked to do."""

    def __init__(self) -> None:
        self.users: int | None = None
        self.schedule: Any = None

    def run_users(self, count: int) -> None:
        self.users = count

    def run_schedule(self, offsets_s: Any) -> None:
        self.schedule = offsets_s
