"""When a measurement may not be believed."""

from collections.abc import Iterator

import pandas as pd

from vgate.harness.metrics.lag import dispatch_lag_ms
from vgate.harness.metrics.percentile import highest_supported, nearest_rank
from vgate.harness.metrics.rates import Window, achieved_rate, offered_rate
from vgate.harness.metrics.select import answered, in_window
from vgate.harness.metrics.ttft import ttft_ms

MAX_LAG_SHARE = 0.05
MAX_RATE_GAP = 0.01
MAX_DRIVER_CPU = 0.8
MAX_ERROR_SHARE = 0.01
REFUSALS = {429, 503}  # a server that says no is an outcome, not a failure to measure
REPLAYED = ("hit", "coalesced")  # answers whose tokens the server did not generate anew


def reasons(rows: pd.DataFrame, window: Window, cpu_share: float, generated: float, open_loop: bool) -> list[str]:
    """Why the measurement is INVALID, in words; empty if it is not.

    generated: tokens that the server says it generated for all `rows`.
    """
    found = [*_errors(in_window(rows)), *_lag(in_window(rows)), *_ledger(rows, generated), *_driver(cpu_share)]
    return found + list(_rates(rows, window)) if open_loop else found


def imported_reasons(rows: pd.DataFrame, window: Window, open_loop: bool) -> list[str]:
    """The same for another tool's rows, as far as they tell: of its driver and of the server nothing is known."""
    found = [*_errors(in_window(rows)), *_lag(in_window(rows))]
    return found + list(_rates(rows, window)) if open_loop else found


def _lag(rows: pd.DataFrame) -> Iterator[str]:
    ttft = sorted(ttft_ms(answered(rows)).dropna())
    lag = highest_supported(dispatch_lag_ms(rows), 99)
    if not ttft or lag is None:
        return
    name, value = lag
    median = nearest_rank(ttft, 50)
    if value > MAX_LAG_SHARE * median:
        yield (
            f"the load driver sent late: {name} of its lag is {value:.2f} ms,"
            f" more than {MAX_LAG_SHARE:.0%} of the median TTFT of {median:.2f} ms"
        )


def _rates(rows: pd.DataFrame, window: Window) -> Iterator[str]:
    offered, achieved = offered_rate(rows, window), achieved_rate(rows, window)
    if offered and abs(achieved - offered) > MAX_RATE_GAP * offered:
        yield f"{achieved:.2f} requests/s were sent where {offered:.2f} were due, more than {MAX_RATE_GAP:.0%} apart"


def _ledger(rows: pd.DataFrame, generated: float) -> Iterator[str]:
    """Equal, but for requests that failed: what they cost the server the client cannot know."""
    own = rows[~rows["cache"].isin(REPLAYED)]
    client = int(own["completion_tokens"].fillna(own["client_tokens"]).sum())
    unknown = int(own["error"].notna().sum())
    if generated < client or (generated > client and not unknown):
        yield f"the client counted {client} tokens, the server says it generated {generated:.0f}"


def _driver(cpu_share: float) -> Iterator[str]:
    if cpu_share > MAX_DRIVER_CPU:
        yield f"the load driver used {cpu_share:.0%} of a core, more than {MAX_DRIVER_CPU:.0%}"


def _errors(rows: pd.DataFrame) -> Iterator[str]:
    if rows.empty:
        yield "no request was due in the window"
        return
    failed = rows[rows["error"].notna() & ~rows["status"].isin(REFUSALS)]
    if len(failed) > MAX_ERROR_SHARE * len(rows):
        yield f"{len(failed)} of {len(rows)} requests failed; first: {failed['error'].iloc[0]}"
    elif answered(rows).empty:
        yield f"no request was answered; first: {rows['error'].iloc[0]}"
