"""When a measurement may not be believed."""

from collections.abc import Iterator

import pandas as pd

from vgate.harness.evidence import Evidence, Unchecked
from vgate.harness.little import little
from vgate.harness.metrics.lag import dispatch_lag_ms
from vgate.harness.metrics.percentile import highest_supported, nearest_rank
from vgate.harness.metrics.rates import achieved_rate, offered_rate
from vgate.harness.metrics.select import answered, in_window
from vgate.harness.metrics.ttft import ttft_ms
from vgate.harness.steady import rising

MAX_LAG_SHARE = 0.05
MAX_RATE_GAP = 0.01
MAX_DRIVER_CPU = 0.8
MAX_ERROR_SHARE = 0.01
REFUSALS = {429, 503}  # a server that says no is an outcome, not a failure to measure
REPLAYED = ("hit", "coalesced")  # answers whose tokens the server did not generate anew


def reasons(seen: Evidence) -> list[str]:
    """Why the measurement is INVALID, in words; empty if it is not."""
    return [words for words in _findings(seen) if not isinstance(words, Unchecked)]


def unchecked(seen: Evidence) -> list[str]:
    """Which checks could not be made, and why."""
    return [words for words in _findings(seen) if isinstance(words, Unchecked)]


def _findings(seen: Evidence) -> Iterator[str]:
    due = in_window(seen.rows)
    yield from _errors(due)
    yield from _lag(due)
    yield from _ledger(seen)
    yield from _driver(seen)
    if due.empty:
        return
    yield from little(seen)
    if seen.open_loop:
        yield from _rates(seen)
    if seen.steady:
        yield from rising(seen.rows, seen.window)


def _errors(due: pd.DataFrame) -> Iterator[str]:
    if due.empty:
        yield "no request was due in the window"
        return
    failed = due[due["error"].notna() & ~due["status"].isin(REFUSALS)]
    if len(failed) > MAX_ERROR_SHARE * len(due):
        yield f"{len(failed)} of {len(due)} requests failed; first: {failed['error'].iloc[0]}"
    elif answered(due).empty:
        yield f"no request was answered; first: {due['error'].iloc[0]}"


def _lag(due: pd.DataFrame) -> Iterator[str]:
    ttft = sorted(ttft_ms(answered(due)).dropna())
    lag = highest_supported(dispatch_lag_ms(due), 99)
    if not ttft or lag is None:
        return
    name, value = lag
    median = nearest_rank(ttft, 50)
    if value > MAX_LAG_SHARE * median:
        yield (
            f"the load driver sent late: {name} of its lag is {value:.2f} ms,"
            f" more than {MAX_LAG_SHARE:.0%} of the median TTFT of {median:.2f} ms"
        )


def _ledger(seen: Evidence) -> Iterator[str]:
    """Equal, but for requests that failed: what they cost the server the client cannot know."""
    if seen.generated is None:
        yield Unchecked("tokens: the server's own count is not known")
        return
    own = seen.rows[~seen.rows["cache"].isin(REPLAYED)]
    client = int(own["completion_tokens"].fillna(own["client_tokens"]).sum())
    unknown = int(own["error"].notna().sum())
    if seen.generated < client or (seen.generated > client and not unknown):
        yield f"the client counted {client} tokens, the server says it generated {seen.generated:.0f}"


def _driver(seen: Evidence) -> Iterator[str]:
    if seen.cpu_share is None:
        yield Unchecked("the load driver's CPU: not known")
    elif seen.cpu_share > MAX_DRIVER_CPU:
        yield f"the load driver used {seen.cpu_share:.0%} of a core, more than {MAX_DRIVER_CPU:.0%}"
    elif seen.cpu_share + seen.wait_share > MAX_DRIVER_CPU:
        yield (
            f"the load driver was starved: it ran for {seen.cpu_share:.0%} of the window and waited for a core for"
            f" {seen.wait_share:.0%}, together more than {MAX_DRIVER_CPU:.0%}"
        )


def _rates(seen: Evidence) -> Iterator[str]:
    offered, achieved = offered_rate(seen.rows, seen.window), achieved_rate(seen.rows, seen.window)
    if offered and abs(achieved - offered) > MAX_RATE_GAP * offered:
        yield f"{achieved:.2f} requests/s were sent where {offered:.2f} were due, more than {MAX_RATE_GAP:.0%} apart"
