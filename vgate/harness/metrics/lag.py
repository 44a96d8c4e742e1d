"""Dispatch lag: the load driver's own lateness."""

import pandas as pd

UNIT = "ms"


def dispatch_lag_ms(rows: pd.DataFrame) -> pd.Series:
    """t_send - t_int. NaN for a request that never reached a socket."""
    return ((rows["t_send"] - rows["t_int"]) / 1e6).astype("Float64").astype(float)
