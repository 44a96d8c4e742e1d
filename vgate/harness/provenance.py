"""Where each number comes from: the expression over a cell's rows that gives it."""

from collections.abc import Iterable

from vgate.harness.estimates import LATENCIES
from vgate.harness.metrics.parts import PARTS

# What the expressions are written in. FOLDER is a round's folder.
PRELUDE = """\
from vgate.harness.results import Result
from vgate.harness.metrics.e2e import e2e_ms
from vgate.harness.metrics.goodput import attainment, goodput
from vgate.harness.metrics.itl import itl_known, itl_ms
from vgate.harness.metrics.cost import energy_wh, requests_per_wh, tokens_per_wh
from vgate.harness.metrics.lag import dispatch_lag_ms
from vgate.harness.metrics.offered import of_offered
from vgate.harness.metrics.parts import parts_ms
from vgate.harness.metrics.percentile import percentile
from vgate.harness.metrics.rates import achieved_rate, completed_rate, offered_rate, output_tokens_rate
from vgate.harness.metrics.tpot import tpot_ms
from vgate.harness.metrics.ttft import ttft_ms, ttft_service_ms

cell = Result.read(FOLDER)
rows, window, slo = cell.rows, cell.window, cell.slo  # rows: requests.parquet as a pandas frame
due = rows[rows["phase"] == "window"]                 # intended time in the window
done = due[due["error"].isna()]                       # completely answered
server, gauges = cell.server, cell.gauges             # server.parquet and gauges.parquet; None in runs without them
"""
_EXACT = {
    "requests": "len(due)",
    "errors": 'due["error"].notna().sum()',
    "cache_hits": '(due["cache"] == "hit").sum()',
    "goodput_per_s": "goodput(rows, slo, window)",
    "attainment": "attainment(rows, slo, window)",
    "output_tokens_per_s": "output_tokens_rate(rows, window)",
    "offered_per_s": "offered_rate(rows, window)",
    "achieved_per_s": "achieved_rate(rows, window)",
    "completed_per_s": "completed_rate(rows, window)",
    "itl_known": "itl_known(done)",
    "driver_cpu": 'cell.about["cpu_share"]',
    **{f"{part}_ms_mean": f'parts_ms(done, server)["{part}"].mean()' for part in PARTS},
    "energy_wh": "energy_wh(gauges, window)",
    "requests_per_wh": "requests_per_wh(rows, gauges, window)",
    "tokens_per_wh": "tokens_per_wh(rows, gauges, window)",
}
_LATENCIES = {name: f"of_offered(due, {name})" for name in LATENCIES}
_LATENCIES["lag_ms"] = "dispatch_lag_ms(due)"
_LATENCIES["gateway_ms"] = 'parts_ms(done, server)["gateway"]'


def expression(column: str) -> str:
    """The expression for a column of the summary, in the names of PRELUDE.

    A column without a short form is taken from `cell.numbers`, a function of the same rows.
    """
    metric, mark, percent = column.rpartition("_p")
    if mark and metric in _LATENCIES:
        return f"percentile({_LATENCIES[metric]}, {percent})"
    return _EXACT.get(column, f'cell.numbers["{column}"]')


def expressions(columns: Iterable[str]) -> dict[str, str]:
    """`expression` of each."""
    return {column: expression(column) for column in columns}
