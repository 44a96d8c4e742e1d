"""Little's law: mean number in the server = arrival rate * mean time there.

Left is the server's own count of requests in flight, sampled over the window (gauges.parquet). Right are the times that
each request spent there: over a stretch of time, rate * mean time is the time spent in flight within it / its length
(Little, Little's Law as Viewed on Its 50th Anniversary, 2011). Both sides must be observed apart, or the law holds by
arithmetic. Two observers give the times:

the client: its requests (requests.parquet) are under way for longer than they are in the server, by what they spend on
    the wire and in the server's socket, which no third one measures. So the law bounds from above: a server that has
    more in it than its clients have under way counts wrong, or works for others too.
the server's records (server.parquet): no observer apart, for they are written where the count is kept. That both agree
    says that no record is lost, and that no request but ours was in the server.

A sample of a number that goes up and down is off by chance, so the requests in flight at the very moments of the
samples are the control: what chance did to both is taken off.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from vgate.harness.evidence import Evidence, Unchecked
from vgate.harness.in_flight import in_flight, time_in_flight

MAX_GAP = 0.02
ERRORS = 3.0  # standard errors: by so much stamps that differ by microseconds may part the counts at few moments


def little(seen: Evidence) -> Iterator[str]:
    """The reasons, if the law is off by more than MAX_GAP."""
    if seen.gauges is None or seen.server is None:
        yield Unchecked("Little's law: the run has no samples and records of the server's own")
        return
    samples = seen.gauges[seen.window.holds(seen.gauges["t"])]
    sent = seen.rows[seen.rows["t_send"].notna()]
    asked = seen.server[seen.server["request_id"].isin(seen.rows["request_id"])]
    if samples.empty or not _mean(seen, asked, "t_arrived", "t_finished"):
        yield Unchecked("Little's law: no sample of the server's falls into the window")
        return
    yield from _client(seen, samples, sent)
    yield from _records(seen, samples, asked)


def _client(seen: Evidence, samples: pd.DataFrame, sent: pd.DataFrame) -> Iterator[str]:
    gaps, expected = _gaps(samples, sent, "t_send", "t_end"), _mean(seen, sent, "t_send", "t_end")
    chance = ERRORS * float(gaps.std()) / len(gaps) ** 0.5
    if expected and gaps.mean() > max(MAX_GAP * expected, chance):
        yield (
            f"Little's law is off by {gaps.mean() / expected:.1%}: {expected + gaps.mean():.2f} requests in the server"
            f" on average by its own count, {expected:.2f} under way by the client's rate x mean time"
        )


def _records(seen: Evidence, samples: pd.DataFrame, asked: pd.DataFrame) -> Iterator[str]:
    gap = float(_gaps(samples, asked, "t_arrived", "t_finished").mean())
    expected = _mean(seen, asked, "t_arrived", "t_finished")
    if abs(gap) > MAX_GAP * expected:
        yield (
            f"the server's records differ from its count by {abs(gap) / expected:.1%}: {expected + gap:.2f} requests in"
            f" the server on average by its count, {expected:.2f} by its records' rate x mean time there"
        )


def _mean(seen: Evidence, rows: pd.DataFrame, begin: str, end: str) -> float:
    """Requests in flight on average over the window."""
    return time_in_flight(rows, seen.window.start, seen.window.end, begin, end) / seen.window.seconds


def _gaps(samples: pd.DataFrame, rows: pd.DataFrame, begin: str, end: str) -> npt.NDArray[np.float64]:
    """How many more the server counted at each sample than were in flight."""
    counted = in_flight(rows, samples["t"].to_numpy(np.int64), begin, end)
    found: npt.NDArray[np.float64] = samples["in_flight"].to_numpy(float) - counted
    return found
