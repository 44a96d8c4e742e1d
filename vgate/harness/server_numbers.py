"""The numbers of one cell that come from the server's side."""

import pandas as pd

from vgate.harness.metrics.cost import energy_wh, requests_per_wh, tokens_per_wh
from vgate.harness.metrics.parts import PARTS, parts_ms
from vgate.harness.metrics.percentile import percentile
from vgate.harness.metrics.rates import Window
from vgate.harness.metrics.select import answered, in_window

NUMBERS = (
    *(f"{part}_ms_mean" for part in PARTS),
    "gateway_ms_p50",
    "gateway_ms_p99",
    "energy_wh",
    "requests_per_wh",
    "tokens_per_wh",
)


def server_numbers(
    rows: pd.DataFrame, server: pd.DataFrame | None, gauges: pd.DataFrame | None, window: Window
) -> dict[str, float | None]:
    """All of NUMBERS. None: not recorded, undefined, or too few samples for that percentile.

    The means are over the answered requests of the window whose parts are known; they add up to these requests' mean
    E2E.
    """
    found: dict[str, float | None] = dict.fromkeys(NUMBERS)
    if server is not None:
        parts = parts_ms(answered(in_window(rows)), server).dropna()
        if len(parts):
            found |= {f"{part}_ms_mean": float(parts[part].mean()) for part in PARTS}
        found |= {f"gateway_ms_p{percent}": percentile(parts["gateway"], percent) for percent in (50, 99)}
    if gauges is not None:
        found["energy_wh"] = energy_wh(gauges, window)
        found["requests_per_wh"] = requests_per_wh(rows, gauges, window)
        found["tokens_per_wh"] = tokens_per_wh(rows, gauges, window)
    return found
