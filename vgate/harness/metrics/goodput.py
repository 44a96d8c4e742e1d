"""Requests that meet all their targets."""

from dataclasses import dataclass

import pandas as pd

from vgate.harness.metrics.e2e import e2e_ms
from vgate.harness.metrics.rates import Window
from vgate.harness.metrics.tpot import at_once, tpot_ms
from vgate.harness.metrics.ttft import ttft_ms

UNIT = "1/s"


@dataclass(frozen=True)
class Slo:
    """Limits in milliseconds on TTFT and E2E (both from t_int) and TPOT; None is no limit."""

    ttft_ms: float | None = None
    tpot_ms: float | None = None
    e2e_ms: float | None = None

    def __bool__(self) -> bool:
        """Whether there is any limit."""
        return any(limit is not None for limit in (self.ttft_ms, self.tpot_ms, self.e2e_ms))

    def __str__(self) -> str:
        limits = {"TTFT": self.ttft_ms, "TPOT": self.tpot_ms, "E2E": self.e2e_ms}
        return ", ".join(f"{name} <= {limit:g} ms" for name, limit in limits.items() if limit is not None) or "none"


def held_ms(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """What each request is held by, in ms, for each limit of an `Slo`; NaN where it has no such time.

    Tokens that all came in the first chunk were not waited for: their TPOT, undefined, counts as 0.
    """
    return {"ttft_ms": ttft_ms(rows), "tpot_ms": tpot_ms(rows).mask(at_once(rows), 0.0), "e2e_ms": e2e_ms(rows)}


def good(rows: pd.DataFrame, slo: Slo) -> pd.Series:
    """Which requests are answered and known to meet all limits.

    One that has no such time as is limited is bad: a whole answer has no TTFT, and nor has one without any text.
    """
    verdict = rows["error"].isna()
    for name, values in held_ms(rows).items():
        limit = getattr(slo, name)
        if limit is not None:
            verdict &= values <= limit
    return verdict


def goodput(rows: pd.DataFrame, slo: Slo, window: Window) -> float:
    """Good requests per second, of those due in the window."""
    return int(good(rows, slo)[window.holds(rows["t_int"])].sum()) / window.seconds


def attainment(rows: pd.DataFrame, slo: Slo, window: Window) -> float:
    """Good requests / requests due in the window. Errors, refusals and time-outs are bad. NaN when none was due."""
    due = good(rows, slo)[window.holds(rows["t_int"])]
    return float(due.mean()) if len(due) else float("nan")
