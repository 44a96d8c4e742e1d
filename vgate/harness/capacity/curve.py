"""Where the share of bad requests crosses what is allowed, from all rates measured so far."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from vgate.harness.capacity.evidence import Evidence, Tally

SLOPES = np.geomspace(3, 300, 15)  # d log(share) / d log(rate): a queue far from full ... a cliff
POINTS = 400  # once over all that can be, once over all that is likely
NEGLIGIBLE = 1e-6
QUANTILES = (0.5, 0.025, 0.975, 0.01, 0.99)  # in the order of Crossing
REACH = 4.0  # beyond the lowest and highest rate measured, the crossing is looked for as far as this factor
STRAY = 20.0  # of the allowed share, one part in so many may be bad at any rate: an error, a pause of the machine


@dataclass(frozen=True)
class Crossing:
    """Where a limit's share of bad requests reaches what is allowed, in requests per second.

    rate: as likely above as below. low, high: 95 % interval. sure, missed: with 99 % probability it lies above, below.
    """

    limit: str
    rate: float
    low: float
    high: float
    sure: float
    missed: float


def crossing(evidence: Mapping[float, Evidence], allowed: float) -> Crossing:
    """The lowest of all limits' crossings: of the one that gives way first.

    For each limit the posterior of r in log(share) = log(allowed) + slope * log(rate / r), with flat priors on log(r)
    and on the logarithm of the slope. Counts enter divided by their inflation. The curve is flat far below and above:
    rates there say on which side of the crossing they lie, and nothing of its slope. A rate where the queue rose lies
    above.
    """
    limits = dict.fromkeys(limit for at in evidence.values() for limit in at.tallies)
    found = [_crossing(limit, evidence, allowed) for limit in limits]
    first = min(found, key=lambda one: one.rate)
    return replace(first, low=min(one.low for one in found), sure=min(one.sure for one in found))


def _crossing(limit: str, evidence: Mapping[float, Evidence], allowed: float) -> Crossing:
    places = np.geomspace(min(evidence) / REACH, max(evidence) * REACH, POINTS)
    likely = np.flatnonzero(_weight(limit, evidence, allowed, places) > NEGLIGIBLE)
    places = np.geomspace(places[max(0, likely[0] - 1)], places[min(POINTS - 1, likely[-1] + 1)], POINTS)
    cumulated = np.cumsum(_weight(limit, evidence, allowed, places))
    return Crossing(limit, *map(float, np.interp(np.array(QUANTILES) * cumulated[-1], cumulated, places)))


def _weight(limit: str, evidence: Mapping[float, Evidence], allowed: float, places: np.ndarray) -> np.ndarray:
    """How likely the crossing is at each of `places`, relative to the likeliest."""
    likelihood = np.zeros((len(SLOPES), len(places)))
    for rate, at in evidence.items():
        if at.overloaded:
            likelihood[:, places >= rate] = -np.inf
        elif limit in at.tallies:
            likelihood += _log_likelihood(at.tallies[limit], np.log(rate / places), allowed)
    weight = np.exp(likelihood - likelihood.max()).sum(axis=0)
    return np.asarray(weight / weight.max())


def _log_likelihood(tally: Tally, distance: np.ndarray, allowed: float) -> np.ndarray:
    """Of a tally at log(rate / r) = `distance`, for every slope: an array of slopes by places."""
    most = (1 + allowed) / 2
    shares = np.clip(np.log(allowed) + SLOPES[:, None] * distance, np.log(allowed / STRAY), np.log(most))
    bad = min(tally.share, most) * tally.effective
    return np.asarray(bad * shares + (tally.effective - bad) * np.log1p(-np.exp(shares)))
