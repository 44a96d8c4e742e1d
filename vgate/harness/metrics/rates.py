"""Rates over the window, from all rows: what a warm-up request completes inside the window was completed there."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
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
    """Tokens that arrived, per second: by t_tok; those of a whole answer by its t_end."""
    stamps, tokens = token_arrivals(rows)
    return float(tokens[(stamps >= window.start) & (stamps < window.end)].sum()) / window.seconds


def token_arrivals(rows: pd.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """When tokens arrived, CLOCK_MONOTONIC ns, and how many at once.

    Where the tokens in each chunk are not known, the request's tokens are shared out evenly over its chunks.
    """
    streams = rows["t_tok"].map(len) > 0
    whole = rows[~streams & rows["t_end"].notna()]
    columns = rows.loc[streams, ["t_tok", "n_tok", "completion_tokens"]]
    stamps = [np.asarray(moments) for moments in columns["t_tok"]]
    tokens = [_sizes(*row) for row in columns.itertuples(index=False)]
    return (
        np.concatenate([*stamps, whole["t_end"].to_numpy(np.int64)]).astype(np.int64),
        np.concatenate([*tokens, whole["completion_tokens"].fillna(0).to_numpy(float)]),
    )


def _sizes(stamps: Any, sizes: Any, count: Any) -> Any:
    if sizes is not None:
        return np.asarray(sizes, dtype=float)
    return np.full(len(stamps), 1.0 if pd.isna(count) else count / len(stamps))
