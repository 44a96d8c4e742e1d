"""How many requests were in flight, from their stamps."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from vgate.harness.exchange import CUT_OFF

Floats = npt.NDArray[np.float64]
Stamps = npt.NDArray[np.int64]


def in_flight(rows: pd.DataFrame, moments: Stamps, begin: str = "t_int", end: str = "t_end") -> Floats:
    """Requests begun and not ended at each moment. One without an end, because it was cut off, never ends."""
    begun, ended = (np.sort(stamps.dropna().to_numpy(np.int64)) for stamps in (rows[begin], _ends(rows, end)))
    return (np.searchsorted(begun, moments, "right") - np.searchsorted(ended, moments, "right")).astype(float)


def time_in_flight(rows: pd.DataFrame, start: int, stop: int, begin: str = "t_int", end: str = "t_end") -> float:
    """Seconds that the requests spent in flight between two moments, summed over them."""
    stamps = (column.fillna(stop).to_numpy(np.int64).clip(start, stop) for column in (rows[begin], _ends(rows, end)))
    begun, ended = stamps
    return float((ended - begun).sum()) / 1e9


def _ends(rows: pd.DataFrame, end: str) -> pd.Series:
    """Of the client's requests, those that failed have ended too, at the latest stamp where none tells when.

    None does in runs of earlier versions and in some imported files. What the drain limit cut off had not ended.
    """
    ends = rows[end]
    if end != "t_end":
        return ends
    lost = ends.isna() & rows["error"].notna() & ~rows["error"].fillna("").str.startswith(CUT_OFF)
    if not lost.any():
        return ends
    last_token = rows["t_tok"].map(lambda stamps: stamps[-1] if len(stamps) else None).astype("Int64")
    return ends.mask(lost, last_token.fillna(rows["t_send"]).fillna(rows["t_int"]))
