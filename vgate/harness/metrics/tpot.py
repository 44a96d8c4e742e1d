"""Time per output token."""

from typing import Any

import pandas as pd

UNIT = "ms"


def tpot_ms(rows: pd.DataFrame) -> pd.Series:
    """(t_last - t_first) / (N - n_first), one value per request.

    t_last is the last chunk with text, and N the tokens up to it. The token that ends an answer shows no text: it has
    no stamp, and though `usage` counts it, N does not, else an answer would seem the faster the shorter it is.
    Where the tokens in each chunk are not known, N is the server's count and n_first 1; an answer that the model ended
    itself then seems faster by the share 1/N. vLLM's bench counts the last token, and times it: the same on average.
    NaN if N <= n_first, and for whole answers.
    """
    values = [_tpot(*row) for row in zip(rows["t_tok"], rows["n_tok"], rows["completion_tokens"], strict=True)]
    return pd.Series(values, index=rows.index, dtype=float)


def at_once(rows: pd.DataFrame) -> pd.Series:
    """Which streams had all their tokens in the first chunk with text: there was nothing to wait for after it."""
    counts = zip(rows["t_tok"], rows["n_tok"], rows["completion_tokens"], strict=True)
    values = [
        len(stamps) == 1 and not pd.isna(tokens) and not _later(sizes, tokens) for stamps, sizes, tokens in counts
    ]
    return pd.Series(values, index=rows.index, dtype=bool)


def _tpot(stamps: Any, sizes: Any, tokens: Any) -> float:
    if len(stamps) == 0 or pd.isna(tokens):
        return float("nan")
    later = _later(sizes, tokens)
    return float(stamps[-1] - stamps[0]) / later / 1e6 if later > 0 else float("nan")


def _later(sizes: Any, tokens: Any) -> float:
    """Tokens that came in the chunks after the first."""
    return float(tokens - 1) if sizes is None or len(sizes) == 0 else float(sum(sizes[1:]))
