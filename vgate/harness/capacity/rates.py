"""Windows at a rate, on a real rig."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from vgate.harness.capacity.cell import at_rate
from vgate.harness.capacity.evidence import Probe
from vgate.harness.metrics.goodput import Slo, held_ms
from vgate.harness.metrics.lag import dispatch_lag_ms
from vgate.harness.metrics.percentile import nearest_rank
from vgate.harness.metrics.select import in_window
from vgate.harness.results import Result
from vgate.harness.rig import Rig
from vgate.harness.validity import MAX_LAG_SHARE

# What an INVALID measurement says of the server at this rate, not of the instrument: here that is the answer itself.
OUTCOMES = ("requests failed; first", "no request was answered", "the queue rises")
# Says something of the instrument only where `late` is true too.
LATE = "the load driver sent late"
LIMITS = {"TTFT": "ttft_ms", "TPOT": "tpot_ms", "E2E": "e2e_ms"}


class RealRates:
    """A `Measure` that measures cells and keeps them: what a run's folder holds is not measured again.

    container: a resolved configuration of `python -m vgate.bench` with an open loop.
    shortest_s, longest_s: of a window.
    """

    def __init__(self, rig: Rig, container: dict[str, Any], shortest_s: float, longest_s: float) -> None:
        self._rig = rig
        self._container = container
        self._shortest_s = shortest_s
        self._longest_s = longest_s

    def __call__(self, rate: float, wanted: int, number: int) -> Probe | None:
        window_s = round(min(self._longest_s, max(self._shortest_s, wanted / rate)), 1)
        cell = at_rate(self._container, rate, window_s, number)
        kept = self._rig.has(cell)
        result = self._rig.measure(cell)
        return None if result is None else replace(probe(result, rate), kept=kept)


def probe(result: Result, rate: float) -> Probe:
    """What a finished cell says about its rate. Refused, failed and unfinished requests are bad for every limit.

    So is, for its limit, a request that has no such time.
    """
    rows = in_window(result.rows).sort_values("t_int")
    failed = rows["error"].notna().to_numpy()
    held, limits = held_ms(rows), {name: (key, getattr(result.slo, key)) for name, key in LIMITS.items()}
    margins = {
        name: np.where(failed, np.inf, (held[key] / limit).fillna(np.inf).to_numpy(dtype=float))
        for name, (key, limit) in limits.items()
        if limit is not None
    }
    seconds = result.config["trial"]["warmup_s"] + result.config["trial"]["duration_s"]
    return Probe(rate, margins, len(result.rows), seconds, tuple(faults(result.invalid, late=late(rows, result.slo))))


def faults(invalid: list[str], *, late: bool = True) -> list[str]:
    """Of the reasons why a measurement is INVALID, those for which its requests may not be counted."""
    harmless = OUTCOMES if late else (*OUTCOMES, LATE)
    return [reason for reason in invalid if not any(words in reason for words in harmless)]


def late(rows: pd.DataFrame, slo: Slo) -> bool:
    """Whether p99 of the driver's lag is more than a twentieth of the tightest limit on a time that includes it.

    Elsewhere a lag counts beside the median TTFT, which is shown; here a request is only good or bad.
    """
    limits, lags = [limit for limit in (slo.ttft_ms, slo.e2e_ms) if limit is not None], dispatch_lag_ms(rows).dropna()
    return bool(limits and len(lags)) and nearest_rank(sorted(lags), 99) > MAX_LAG_SHARE * min(limits)
