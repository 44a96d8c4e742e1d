"""Which rows count."""

import pandas as pd


def in_window(rows: pd.DataFrame) -> pd.DataFrame:
    """Requests whose intended time lies in the window, whenever they ended."""
    return rows[rows["phase"] == "window"]


def answered(rows: pd.DataFrame) -> pd.DataFrame:
    """Requests that got a complete answer."""
    return rows[rows["error"].isna()]
