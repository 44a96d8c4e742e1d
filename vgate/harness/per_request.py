"""Requests with their metrics, for looking closer than a summary does."""

import pandas as pd

from vgate.harness.metrics.e2e import e2e_ms
from vgate.harness.metrics.goodput import good
from vgate.harness.metrics.lag import dispatch_lag_ms
from vgate.harness.metrics.select import in_window
from vgate.harness.metrics.tpot import tpot_ms
from vgate.harness.metrics.ttft import ttft_ms
from vgate.harness.results import Result, Run
from vgate.harness.table import name


def requests(run: Run) -> pd.DataFrame:
    """One line per request of each window. due_s counts from the window's start; good: all targets met."""
    return pd.concat([_requests(result) for result in run.results], ignore_index=True)


def _requests(result: Result) -> pd.DataFrame:
    rows = in_window(result.rows)
    columns = {
        "due_s": (rows["t_int"] - result.window.start).astype(float) / 1e9,
        "ttft_ms": ttft_ms(rows),
        "tpot_ms": tpot_ms(rows),
        "e2e_ms": e2e_ms(rows),
        "lag_ms": dispatch_lag_ms(rows),
        "good": good(rows, result.slo),
        "cache": rows["cache"],
        "error": rows["error"],
    }
    made = pd.DataFrame(columns)
    made.insert(0, "configuration", name(result.about))
    return made
