"""The numbers of one cell as one flat row."""

import pandas as pd

from vgate.harness.estimates import estimates
from vgate.harness.metrics.goodput import Slo
from vgate.harness.metrics.rates import Window
from vgate.harness.stats.estimate import Estimate

WITHOUT_INTERVAL = ("ttft_service_ms", "lag_ms")  # shown beside others, to compare with


def numbers(rows: pd.DataFrame, window: Window, slo: Slo) -> dict[str, float | int | None]:
    """`flat` of the cell's estimates."""
    return flat(estimates(rows, window, slo))


def flat(found: dict[str, Estimate]) -> dict[str, float | int | None]:
    """Each number under its name; behind them all `<name>_low`, `_high` (95 % interval), `_n` and `_n_eff`.

    None: refused, or no interval. NaN: undefined.
    """
    row: dict[str, float | int | None] = {name: estimate.value for name, estimate in found.items()}
    for name, estimate in found.items():
        if estimate.n is not None and not name.startswith(WITHOUT_INTERVAL):
            row |= {f"{name}_low": estimate.low, f"{name}_high": estimate.high}
            row |= {f"{name}_n": estimate.n, f"{name}_n_eff": estimate.n_eff}
    return row
