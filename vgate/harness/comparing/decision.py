"""What may be said of B against A, from how much better B was in each pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from vgate.harness.comparing.sequence import anytime_interval

BETTER, WORSE, SAME, UNDECIDED = "better", "worse", "same", "undecided"
# Of what was measured: what is left when more had to be left out may be the lucky part of a side that breaks.
MOST_LEFT_OUT = 0.2


@dataclass(frozen=True)
class Decision:
    """A verdict and what it rests on. Gains are ln(B / A), turned so that above 0 B is better.

    effect: the mean gain; NaN without pairs.
    interval: 95 %, of the mean gain; None while the pairs are too few to bound it.
    """

    verdict: str
    effect: float
    interval: tuple[float, float] | None
    pairs: int


def decide(gains: Sequence[float], margin: float, resolution: float = 0.0) -> Decision:
    """The verdict by the rule of `ruling` on an interval that holds at every look.

    margin: smallest gain that matters. resolution: what the metric cannot tell apart, however alike the pairs.
    """
    interval = anytime_interval(gains)
    effect = fmean(gains) if gains else float("nan")
    if interval is not None:
        interval = min(interval[0], effect - resolution), max(interval[1], effect + resolution)
    return Decision(ruling(interval, margin), effect, interval, len(gains))


def too_many(left_out: int, measured: int) -> bool:
    """Whether what is left may not stand for all that was measured."""
    return measured > 0 and left_out / measured > MOST_LEFT_OUT


def ruling(interval: tuple[float, float] | None, margin: float) -> str:
    """Better or worse: the whole interval lies beyond the margin. Same: it lies inside. Else undecided.

    So a difference smaller than the margin raises a false alarm no more often than the interval misses.
    """
    if interval is None:
        return UNDECIDED
    low, high = interval
    if low > margin:
        return BETTER
    if high < -margin:
        return WORSE
    return SAME if -margin <= low and high <= margin else UNDECIDED
