"""Time to the answer's end."""

import pandas as pd

UNIT = "ms"


def e2e_ms(rows: pd.DataFrame) -> pd.Series:
    """t_end - t_int. Equals dispatch lag + `e2e_service_ms`. NaN for a request without an end."""
    return _since(rows, "t_int")


def e2e_service_ms(rows: pd.DataFrame) -> pd.Series:
    """t_end - t_send."""
    return _since(rows, "t_send")


def _since(rows: pd.DataFrame, begin: str) -> pd.Series:
    return ((rows["t_end"] - rows[begin]) / 1e6).astype("Float64").astype(float)
