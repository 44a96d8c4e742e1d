"""How many requests were in flight, from their stamps."""

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Stamps = npt.NDArray[np.int64]


def in_flight(rows: pd.DataFrame, moments: Stamps, begin: str = "t_int", end: str = "t_end") -> Floats:
    """Requests begun and not ended at each moment. One without an end, because it was cut off, never ends."""
    begun, ended = (np.sort(rows[column].dropna().to_numpy(np.int64)) for column in (begin, end))
    return (np.searchsorted(begun, moments, "right") - np.searchsorted(ended, moments, "right")).astype(float)


def time_in_flight(rows: pd.DataFrame, start: int, stop: int, begin: str = "t_int", end: str = "t_end") -> float:
    """Seconds that the requests spent in flight between two moments, summed over them."""
    stamps = (rows[column].fillna(stop).to_numpy(np.int64).clip(start, stop) for column in (begin, end))
    begun, ended = stamps
    return float((ended - begun).sum()) / 1e9
