"""Latencies as their percentiles rank them: over all requests that were offered, not over the survivors."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from vgate.harness.metrics.select import answered


def of_offered(due: pd.DataFrame, metric: Callable[[pd.DataFrame], pd.Series]) -> pd.Series:
    """A latency of the answered ones of the requests `due`, and infinity for each other one, in the order of `due`.

    Who was refused or failed, or was cut off by the drain limit, has waited longer than anybody who was answered: left
    out, the slower half of a server's answers could vanish from its percentiles by being given up. Attainment counts
    them as bad for the same reason, and MLPerf as overlatency. The driver gives up none of its own accord.

    The index says whose sample it is. Where a request has several, as ITL, one without an answer has as many infinite
    ones as an answered request on average. Answered requests that have no such latency are left out; if none has it,
    as whole answers have no TTFT, nor do the others.
    """
    done = answered(due)
    values = metric(done).dropna()
    lost = due.index[due["error"].notna()]
    if not len(lost) or (len(done) and values.empty):
        return values
    each = max(1, round(len(values) / max(1, values.index.nunique())))
    without = pd.Series(np.inf, index=np.repeat(lost.to_numpy(), each), dtype=float)
    return pd.concat([values, without]).sort_index(kind="stable") if len(values) else without
