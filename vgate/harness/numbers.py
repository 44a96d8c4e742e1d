"""The numbers of one cell: one flat row, in the units that its names say."""

import pandas as pd

from vgate.harness.metrics.e2e import e2e_ms
from vgate.harness.metrics.goodput import Slo, attainment, goodput
from vgate.harness.metrics.itl import itl_known, itl_ms
from vgate.harness.metrics.lag import dispatch_lag_ms
from vgate.harness.metrics.percentile import percentile
from vgate.harness.metrics.rates import Window, achieved_rate, completed_rate, offered_rate, output_tokens_rate
from vgate.harness.metrics.select import answered, in_window
from vgate.harness.metrics.tpot import tpot_ms
from vgate.harness.metrics.ttft import ttft_ms, ttft_service_ms

PERCENTS = (50, 90, 95, 99)


def numbers(rows: pd.DataFrame, window: Window, slo: Slo) -> dict[str, float | int | None]:
    """Everything that a report shows of a cell. None: undefined, or too few samples for that percentile."""
    due = in_window(rows)
    done = answered(due)
    latencies = {
        "ttft_ms": ttft_ms(done),
        "ttft_service_ms": ttft_service_ms(done),
        "tpot_ms": tpot_ms(done),
        "itl_ms": itl_ms(done),
        "e2e_ms": e2e_ms(done),
        "lag_ms": dispatch_lag_ms(due),
    }
    return {
        "requests": len(due),
        "errors": len(due) - len(done),
        "cache_hits": int((due["cache"] == "hit").sum()),
        "goodput_per_s": goodput(rows, slo, window),
        "attainment": attainment(rows, slo, window),
        "output_tokens_per_s": output_tokens_rate(rows, window),
        "offered_per_s": offered_rate(rows, window),
        "achieved_per_s": achieved_rate(rows, window),
        "completed_per_s": completed_rate(rows, window),
        **{
            f"{name}_p{percent}": percentile(values, percent)
            for name, values in latencies.items()
            for percent in PERCENTS
        },
        "itl_known": itl_known(done),
    }
