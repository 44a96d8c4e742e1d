"""Exact percentiles, and their refusal."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from vgate.percentile import CONFIDENCE, minimum_n

__all__ = ["CONFIDENCE", "minimum_n", "nearest_rank", "percentile"]


def percentile(values: Iterable[float], percent: float) -> float | None:
    """The nearest-rank percentile; NaNs are left out.

    None if there are too few requests for it: those in the index of a Series, where a request may have several samples
    that depend on each other, else one a value. None too if it is infinite: it lies among requests without an answer.
    """
    ordered = sorted(value for value in values if not math.isnan(value))
    requests = values.dropna().index.nunique() if isinstance(values, pd.Series) else len(ordered)
    if requests < minimum_n(percent):
        return None
    value = nearest_rank(ordered, percent)
    return value if math.isfinite(value) else None


def nearest_rank(ordered: Sequence[float] | npt.NDArray[np.float64], percent: float) -> float:
    """The smallest value that at least `percent` % of the values do not exceed. Needs one value at least, sorted."""
    rank = math.ceil(round(percent * len(ordered) / 100, 6))  # 99.9 has no exact binary form
    return float(ordered[max(0, rank - 1)])
