"""What a cell asked, and when, in one number, so that a replay can be held to it."""

from typing import Any

import pandas as pd

from vgate.build import build_load, build_workload
from vgate.harness.metrics.rates import Window
from vgate.load.digest import schedule_digest

DIGEST, COUNT = "schedule_sha256", "schedule_requests"
# Requests that are hashed at most: enough to tell two plans apart, and a fraction of a second.
MOST = 10_000


def schedule_of(container: dict[str, Any], seed: int, requests: int) -> dict[str, Any]:
    """For cell.json: SHA-256 over bodies and due times of the first requests of a plan, and of how many.

    requests: how many were sent. Depends on the resolved configuration and the seed alone, so it can be made again.
    """
    count = min(requests, MOST)
    load, workload = build_load(container["load"]), build_workload(container["workload"])
    return {COUNT: count, DIGEST: schedule_digest(load, workload, seed, count)}


def due_times(rows: pd.DataFrame, window: Window) -> dict[str, int]:
    """Request -> when it was due, in nanoseconds from the window's start. The same in each run of an open loop."""
    names = rows["request_id"].str.partition("-")[2]
    return dict(zip(names, (rows["t_int"] - window.start).astype(int), strict=True))
