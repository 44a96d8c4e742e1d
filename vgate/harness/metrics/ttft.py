"""Time to first token."""

import pandas as pd

UNIT = "ms"


def ttft_ms(rows: pd.DataFrame) -> pd.Series:
    """First chunk with content - t_int: from when the request was due, as MLPerf counts. NaN for whole answers."""
    return _since(rows, "t_int")


def ttft_service_ms(rows: pd.DataFrame) -> pd.Series:
    """First chunk with content - t_send: what clients print that do not count their own delay."""
    return _since(rows, "t_send")


def _since(rows: pd.DataFrame, begin: str) -> pd.Series:
    first = rows["t_tok"].map(lambda stamps: stamps[0] if len(stamps) else None).astype("Int64")
    return ((first - rows[begin]) / 1e6).astype("Float64").astype(float)
