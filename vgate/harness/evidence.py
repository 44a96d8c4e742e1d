"""What a cell left behind that its validity is judged by."""

from dataclasses import dataclass

import pandas as pd

from vgate.harness.metrics.rates import Window


@dataclass(frozen=True)
class Evidence:
    """rows: all requests, warm-up and drain included. generated: tokens that the server says it generated for them.

    cpu_share: of a core, by the load driver. wait_share: of the window, in which it was ready and waited for a core.
    load: the resolved section. gauges, server: the server's own view; None where the run has none.
    """

    rows: pd.DataFrame
    window: Window
    cpu_share: float | None
    generated: float | None
    load: dict[str, object]
    gauges: pd.DataFrame | None = None
    server: pd.DataFrame | None = None
    wait_share: float = 0.0

    @property
    def open_loop(self) -> bool:
        """Whether requests are sent by a schedule."""
        return "users" not in self.load

    @property
    def steady(self) -> bool:
        """Whether the load claims one rate for the whole window."""
        return "rate" in self.load


class Unchecked(str):
    """In place of a reason: a check that could not be made, and why."""

    __slots__ = ()
