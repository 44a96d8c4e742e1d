"""When a measurement may not be believed."""

from collections.abc import Iterator

import pandas as pd

from vgate.harness.evidence import Evidence, Unchecked
from vgate.harness.exchange import OWN_FAULT
from vgate.harness.ledger import tokens
from vgate.harness.little import little
from vgate.harness.metrics.e2e import e2e_ms
from vgate.harness.metrics.lag import dispatch_lag_ms
from vgate.harness.metrics.percentile import minimum_n, nearest_rank
from vgate.harness.metrics.rates import achieved_rate, offered_rate
from vgate.harness.metrics.select import answered, in_window
from vgate.harness.metrics.ttft import ttft_ms
from vgate.harness.steady import rising

MAX_LAG_SHARE = 0.05
MAX_RATE_GAP = 0.01
MAX_DRIVER_CPU = 0.8
MAX_ERROR_SHARE = 0.01
OVER_LIMIT = 429
REFUSALS = {OVER_LIMIT, 503}  # a server that says no is an outcome, not a failure to measure


def reasons(seen: Evidence) -> list[str]:
    """Why the measurement is INVALID, in words; empty if it is not."""
    return [words for words in _findings(seen) if not isinstance(words, Unchecked)]


def unchecked(seen: Evidence) -> list[str]:
    """Which checks could not be made, and why."""
    return [words for words in _findings(seen) if isinstance(words, Unchecked)]


def _findings(seen: Evidence) -> Iterator[str]:
    due = in_window(seen.rows)
    yield from _errors(due)
    yield from _limited(due)
    yield from _lag(due)
    yield from tokens(seen)
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
    own = due["error"].astype(str).str.startswith(OWN_FAULT)
    if own.any():
        first = due["error"][own].iloc[0].removeprefix(OWN_FAULT)
        yield f"the load driver could not send {own.sum()} of {len(due)} requests; first: {first}"
    failed = due[due["error"].notna() & ~due["status"].isin(REFUSALS) & ~own]
    if len(failed) > MAX_ERROR_SHARE * len(due):
        yield f"{len(failed)} of {len(due)} requests failed; first: {failed['error'].iloc[0]}"
    elif answered(due).empty:
        yield f"no request was answered; first: {due['error'].iloc[0]}"


def _limited(due: pd.DataFrame) -> Iterator[str]:
    """All of a bench's requests come with one key, so its limit bounds what no number of real callers would meet."""
    refused = int((due["status"] == OVER_LIMIT).sum())
    if refused > MAX_ERROR_SHARE * len(due):
        yield (
            f"{refused} of {len(due)} requests ({refused / len(due):.0%}) were refused by the rate limit of the key"
            f" that all of them carry (HTTP {OVER_LIMIT}): that limit was measured, not the rest. Set"
            " security.rate_limiting.enabled=false, or for the first of security.api_keys a rate_limit above the load"
        )


def _lag(due: pd.DataFrame) -> Iterator[str]:
    """Against the median TTFT; whole answers have none, so theirs against the median E2E."""
    done, lags = answered(due), dispatch_lag_ms(due).dropna()
    if lags.empty:
        yield Unchecked("the load driver's lag: when requests were due or sent is not known")
        return
    latencies = {"TTFT": ttft_ms(done).dropna(), "E2E": e2e_ms(done).dropna()}
    name, values = next(((name, values) for name, values in latencies.items() if len(values)), ("", None))
    if values is None:
        return  # nothing was answered, which is a reason of its own
    median, (what, lag) = nearest_rank(sorted(values), 50), _latest(lags)
    if lag > MAX_LAG_SHARE * median:
        yield (
            f"the load driver sent late: {what} is {lag:.2f} ms,"
            f" more than {MAX_LAG_SHARE:.0%} of the median {name} of {median:.2f} ms"
        )


def _latest(lags: pd.Series) -> tuple[str, float]:
    """p99 by rank; of fewer than 100 requests that is the largest. Where few make it unsure, that is said."""
    few = "" if len(lags) >= minimum_n(99) else f" (of {len(lags)} requests, too few to be sure of it)"
    return f"p99 of its lag{few}", nearest_rank(sorted(lags), 99)


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
