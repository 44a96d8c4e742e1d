"""Time per output token."""

from typing import Any

import pandas as pd

UNIT = "ms"


def tpot_ms(rows: pd.DataFrame) -> pd.Series:
    """(t_last - t_first) / (N - n_first), one value per request, as vLLM's and MLPerf's.

    N is the server's count; n_first the tokens in the first chunk, 1 where that is not known.
    NaN if N <= n_first, and for whole answers.
    """
    values = [_tpot(*row) for row in zip(rows["t_tok"], rows["n_tok"], rows["completion_tokens"], strict=True)]
    return pd.Series(values, index=rows.index, dtype=float)


def _tpot(stamps: Any, sizes: Any, tokens: Any) -> float:
    first = 1 if sizes is None or len(sizes) == 0 else sizes[0]
    if len(stamps) == 0 or pd.isna(tokens) or tokens <= first:
        return float("nan")
    return float(stamps[-1] - stamps[0]) / float(tokens - first) / 1e6
