"""The numbers of one cell, each with how far it may be off."""

from dataclasses import replace

import numpy as np
import pandas as pd

from vgate.harness.metrics.e2e import e2e_ms
from vgate.harness.metrics.goodput import Slo, attainment, good, goodput
from vgate.harness.metrics.itl import itl_known, itl_ms
from vgate.harness.metrics.lag import dispatch_lag_ms
from vgate.harness.metrics.offered import of_offered
from vgate.harness.metrics.rates import (
    Window,
    achieved_rate,
    completed_rate,
    offered_rate,
    output_tokens_rate,
    token_arrivals,
)
from vgate.harness.metrics.select import answered, in_window
from vgate.harness.metrics.tpot import tpot_ms
from vgate.harness.metrics.ttft import ttft_ms, ttft_service_ms
from vgate.harness.stats.bootstrap import MINIMUM_EVENTS, mean_estimate
from vgate.harness.stats.estimate import Estimate
from vgate.harness.stats.percentiles import percentile_estimates
from vgate.harness.stats.rate import rate_estimate
from vgate.harness.stats.shares import share_estimate

PERCENTS = (50, 90, 95, 99, 99.9)
LATENCIES = {
    "ttft_ms": ttft_ms,
    "ttft_service_ms": ttft_service_ms,
    "tpot_ms": tpot_ms,
    "itl_ms": itl_ms,
    "e2e_ms": e2e_ms,
}


def estimates(rows: pd.DataFrame, window: Window, slo: Slo) -> dict[str, Estimate]:
    """Everything that a report shows of a cell, by name; the unit is in the name.

    Percentiles are over the requests offered (`of_offered`), but for the driver's own lag; the mean of TPOT is over
    the answered ones.
    """
    due = in_window(rows)
    done = answered(due)
    latencies = {name: of_offered(due, metric) for name, metric in LATENCIES.items()}
    latencies["lag_ms"] = dispatch_lag_ms(due).dropna()
    found: dict[str, Estimate] = {
        "requests": Estimate(len(due)),
        "errors": Estimate(len(due) - len(done)),
        "cache_hits": Estimate(int((due["cache"] == "hit").sum())),
        **_rates(rows, window, slo),
    }
    for name, values in latencies.items():
        found |= _latency(name, values)
    tpot_mean = mean_estimate(tpot_ms(done).dropna().to_numpy(float))
    return found | {"tpot_ms_mean": tpot_mean, "itl_known": Estimate(itl_known(done))}


def _rates(rows: pd.DataFrame, window: Window, slo: Slo) -> dict[str, Estimate]:
    """Values as their metrics define them; the estimators say how far off they may be."""
    due = in_window(rows)
    met = good(due, slo)
    share = replace(share_estimate(met.to_numpy(float)), value=attainment(rows, slo, window))
    stamps, tokens = token_arrivals(rows)
    ended = answered(rows)["t_end"].dropna().to_numpy(np.int64)
    return {
        "goodput_per_s": replace(_goodput(due, met, share, window), value=goodput(rows, slo, window)),
        "attainment": share,
        "output_tokens_per_s": replace(rate_estimate(stamps, window, tokens), value=output_tokens_rate(rows, window)),
        "offered_per_s": Estimate(offered_rate(rows, window)),
        "achieved_per_s": Estimate(achieved_rate(rows, window)),
        "completed_per_s": replace(rate_estimate(ended, window), value=completed_rate(rows, window)),
    }


def _goodput(due: pd.DataFrame, met: pd.Series, share: Estimate, window: Window) -> Estimate:
    """Where few requests were good, or few bad, its interval holds that of attainment, which is exact, at this load."""
    found = rate_estimate(due["t_int"][met].dropna().to_numpy(np.int64), window)
    few = min(int(met.sum()), int((~met).sum())) < MINIMUM_EVENTS
    if not (found.value and few and share.interval):
        return found
    exact = [end * len(due) / window.seconds for end in share.interval]
    low, high = found.interval or exact
    return replace(found, low=min(low, exact[0]), high=max(high, exact[1]), why=None)


def _latency(name: str, values: pd.Series) -> dict[str, Estimate]:
    """Percentiles; the index says whose sample it is."""
    found = percentile_estimates(values.to_numpy(float), PERCENTS, values.index.to_numpy(np.int64))
    return {f"{name}_p{percent:g}": estimate for percent, estimate in found.items()}
