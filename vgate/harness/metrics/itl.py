"""Inter-token latency, pooled over requests."""

import numpy as np
import pandas as pd

UNIT = "ms"


def itl_ms(rows: pd.DataFrame) -> pd.Series:
    """Gap before each chunk / tokens in it, one sample per token, all requests pooled; never interpolated.

    The index says whose sample it is: the index of its row. The samples of one depend on each other, so percentiles
    ask for a number of requests, not of tokens. Requests whose tokens per chunk are not known are left out: `itl_known`
    says how many are in.
    """
    known = rows[rows["n_tok"].notna()]
    pooled = [_per_token(*row) for row in zip(known["t_tok"], known["n_tok"], strict=True)]
    owners = np.repeat(known.index.to_numpy(), [len(samples) for samples in pooled])
    return pd.Series(np.concatenate(pooled) if pooled else [], index=owners, dtype=float)


def itl_known(rows: pd.DataFrame) -> float:
    """Share of the requests with text whose ITL is known."""
    streamed = rows[rows["t_tok"].map(len) > 0]
    return float(streamed["n_tok"].notna().mean()) if len(streamed) else float("nan")


def icl_ms(rows: pd.DataFrame) -> pd.Series:
    """Inter-chunk latency: the raw gaps between chunks with content, pooled."""
    pooled = [np.diff(stamps) / 1e6 for stamps in rows["t_tok"] if len(stamps)]
    return pd.Series(np.concatenate(pooled) if pooled else [], dtype=float)


def _per_token(stamps: list[int], sizes: list[int]) -> np.ndarray:
    later = np.asarray(sizes[1:], dtype=int)
    return np.repeat(np.diff(stamps) / 1e6 / np.maximum(later, 1), later)
