"""What the harness tells the load driver, and what the driver tells back. Both travel as JSON files."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vgate.harness.files import write_json


@dataclass(frozen=True, slots=True)
class Plan:
    """One trial's load. The API key is not in it, for it is kept with the results.

    load, workload: the resolved sections, `_target_` included.
    tag:  beginning of every X-Request-Id.
    out:  an existing folder for the driver's files.
    drivers: processes that share the load; process k of K takes the arrivals or users whose number is k modulo K.
    """

    base_url: str
    model: str
    load: dict[str, Any]
    workload: dict[str, Any]
    seed: int
    warmup_s: float
    duration_s: float
    drain_s: float
    tag: str
    out: str
    drivers: int = 1

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load_from(cls, path: Path) -> "Plan":
        return cls(**json.loads(path.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the driving went. Moments are CLOCK_MONOTONIC nanoseconds; the window is [start, end) for t_int.

    cpu_share: the driver's CPU time in the window over the window's length, in cores.
    wait_share: the same of the time in which it could have run and waited for a core.
    utc_start: the window's start as wall-clock seconds since 1970, for people.
    note: what a reader of the results has to know, in words; None: nothing.

    Of several processes, the shares are those of the process that was busiest or waited longest.
    """

    window_start: int
    window_end: int
    cpu_share: float
    wait_share: float
    utc_start: float
    note: str | None = None

    @classmethod
    def of_all(cls, parts: list["Outcome"]) -> "Outcome":
        """The outcome of the processes that shared a plan."""
        cpu, wait = max(part.cpu_share for part in parts), max(part.wait_share for part in parts)
        return replace(parts[0], cpu_share=cpu, wait_share=wait)

    def save(self, path: Path) -> None:
        """In one step: who waits for the file finds it whole."""
        write_json(path, asdict(self))

    @classmethod
    def load_from(cls, path: Path) -> "Outcome":
        return cls(**json.loads(path.read_text(encoding="utf-8")))
