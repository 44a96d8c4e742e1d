"""Little's law: mean number in the server = arrival rate * mean time there.

The two sides must be observed apart, or the law holds by arithmetic. Left is the server's own count of requests in
flight, sampled over the window (gauges.parquet). Right are the times that each request of the client spent there
(server.parquet): over a stretch of time, rate * mean time is the time spent in flight within it / its length (Little,
Little's Law as Viewed on Its 50th Anniversary, 2011). A sample of a number that goes up and down is off by chance, so
the requests in flight at the very moments of the samples are the control: what chance did to both is taken off.
"""

from collections.abc import Iterator

import numpy as np

from vgate.harness.evidence import Evidence, Unchecked
from vgate.harness.in_flight import in_flight, time_in_flight

MAX_GAP = 0.02


def little(seen: Evidence) -> Iterator[str]:
    """The reason, if the law is off by more than MAX_GAP."""
    if seen.gauges is None or seen.server is None:
        yield Unchecked("Little's law: the run has no samples and records of the server's own")
        return
    window = seen.window
    samples = seen.gauges[window.holds(seen.gauges["t"])]
    asked = seen.server[seen.server["request_id"].isin(seen.rows["request_id"])]
    expected = time_in_flight(asked, window.start, window.end, "t_arrived", "t_finished") / window.seconds
    if samples.empty or not expected:
        yield Unchecked("Little's law: no sample of the server's falls into the window")
        return
    counted = in_flight(asked, samples["t"].to_numpy(np.int64), "t_arrived", "t_finished")
    gap = float((samples["in_flight"].to_numpy(float) - counted).mean())
    if abs(gap) > MAX_GAP * expected:
        yield (
            f"Little's law is off by {abs(gap) / expected:.1%}: {expected + gap:.2f} requests in the server on average"
            f" by its own count, {expected:.2f} by arrival rate x mean time there"
        )
