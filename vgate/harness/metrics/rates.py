"""Rates over the window, from all rows: what a warm-up request completes inside the window was completed there."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

UNIT = "1/s"


@dataclass(frozen=True)
class Window:
    """[start, end) in CLOCK_MONOTONIC nanoseconds."""

    start: int
    end: int

    @property
    def seconds(self) -> float:
        return (self.end - self.start) / 1e9

    def holds(self, stamps: pd.Series) -> pd.Series:
        """Which stamps lie in the window; a missing one does not."""
        return ((stamps >= self.start) & (stamps < self.end)).fillna(False).astype(bool)


def offered_rate(rows: pd.DataFrame, window: Window) -> float:
    """Requests due, per second: by t_int."""
    return int(window.holds(rows["t_int"]).sum()) / window.seconds


def achieved_rate(rows: pd.DataFrame, window: Window) -> float:
    """Requests sent, per second: by t_send."""
    return int(window.holds(rows["t_send"]).sum()) / window.seconds


def completed_rate(rows: pd.DataFrame, window: Window) -> float:
    """Complete answers, per second: by t_end."""
    ended = rows[rows["error"].isna()]
    return int(window.holds(ended["t_end"]).sum()) / window.seconds


def output_tokens_rate(rows: pd.DataFrame, window: Window) -> float:
    """Tokens that arrived, per second: by t_tok; those of a whole answer by its t_end.

    Where the tokens in each chunk are not known, the request's tokens are shared out evenly over its chunks.
    """
    streams = rows["t_tok"].map(len) > 0
    whole = rows[~streams & window.holds(rows["t_end"])]
    columns = rows.loc[streams, ["t_tok", "n_tok", "completion_tokens"]]
    streamed = sum(_tokens_inside(window, *row) for row in columns.itertuples(index=False))
    return (streamed + int(whole["completion_tokens"].sum())) / window.seconds


def _tokens_inside(window: Window, stamps: Any, sizes: Any, count: Any) -> float:
    moments = np.asarray(stamps)
    if sizes is None:
        sizes = np.full(len(moments), 1.0 if pd.isna(count) else count / len(moments))
    inside = (moments >= window.start) & (moments < window.end)
    return float(np.asarray(sizes)[inside].sum())
