"""What went on over the window: requests in flight, and the server's queue and batch where it was sampled."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from vgate.harness.configurations import Configuration, shown
from vgate.harness.figures.downsample import BINS, occupancy
from vgate.harness.figures.theme import INK, SERIES, Picture, canvas, svg
from vgate.harness.results import Result

PANELS = 3
PANEL_IN = 1.25
Line = tuple[str, np.ndarray, np.ndarray]  # name, mean, peak


def timelines(found: Sequence[Configuration]) -> Picture | None:
    """A panel for the best, the next and the baseline: the first valid round of each."""
    drawn = [one for one in shown(found, PANELS) if one.valid]
    if not drawn:
        return None
    title = "Over the window"
    with canvas(0.4 + PANEL_IN * len(drawn), rows=len(drawn)) as (figure, panels):
        for axes, one in zip(panels, drawn, strict=True):
            _panel(axes, one, [in_flight(one.valid[0])])
        panels[-1].set_xlabel("seconds into the window")
        return Picture(title, _note(), svg(figure, title))


def in_flight(result: Result) -> Line:
    """Requests sent and not yet ended, from the client's rows, exact."""
    rows = result.rows[result.rows["t_send"].notna() & result.rows["t_end"].notna()]
    begins, ends = (rows[column].to_numpy(dtype="int64") for column in ("t_send", "t_end"))
    return ("in flight", *occupancy(begins, ends, result.window.start, result.window.end))


def _panel(axes: Axes, one: Configuration, lines: Sequence[Line]) -> None:
    seconds = np.arange(BINS + 1) * one.valid[0].window.seconds / BINS
    for number, ((name, mean, peak), color) in enumerate(zip(lines, SERIES, strict=False)):
        axes.stairs(peak, seconds, baseline=mean, fill=True, color=color, alpha=0.25, linewidth=0)
        axes.stairs(mean, seconds, color=color, linewidth=1.5, baseline=None)
        above = (-4, 4 + 11 * number)
        axes.annotate(
            name, (1, 0), above, xycoords="axes fraction", textcoords="offset points", ha="right",
            color=color, fontsize=10.5,
        )  # fmt: skip
    axes.set_title(one.label, loc="left", fontsize=10.5, color=INK)
    axes.set_ylim(bottom=0)
    axes.margins(x=0, y=0.2)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def _note() -> str:
    return f"Each step is the exact mean of 1/{BINS} of the window; the band above it goes to the peak in it."
