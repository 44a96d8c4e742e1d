"""What went on over the window: requests in flight, and the server's queue and batch where it was sampled."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from vgate.harness.configurations import Configuration, shown
from vgate.harness.figures.downsample import BINS, binned, occupancy
from vgate.harness.figures.theme import INK, SERIES, Picture, canvas, svg
from vgate.harness.results import Result

PANELS = 3
PANEL_IN = 1.3
# Column of the gauges -> its name here.
GAUGES = {"waiting": "waiting in the gateway", "engine_waiting": "waiting in the engine", "engine_running": "its batch"}
Line = tuple[str, np.ndarray, np.ndarray]  # name, mean, peak


def timelines(found: Sequence[Configuration]) -> Picture | None:
    """A panel for the best, the next and the baseline: the first valid round of each."""
    drawn = [one for one in shown(found, PANELS) if one.valid]
    if not drawn:
        return None
    title = "Over the window"
    with canvas(0.8 + PANEL_IN * len(drawn), rows=len(drawn)) as (figure, panels):
        lines = [[in_flight(one.valid[0]), *gauges(one.valid[0])] for one in drawn]
        for axes, one, each in zip(panels, drawn, lines, strict=True):
            _panel(axes, one, each)
        panels[-1].set_xlabel("seconds into the window")
        handles, names = panels[0].get_legend_handles_labels()
        place: Any = "outside upper left"
        figure.legend(
            handles, names, loc=place, ncols=2, frameon=False, fontsize=10.5, labelcolor="linecolor", handlelength=1.2
        )
        return Picture(title, _note(any(len(each) > 1 for each in lines)), svg(figure, title))


def in_flight(result: Result) -> Line:
    """Requests sent and not yet ended, from the client's rows, exact."""
    rows = result.rows[result.rows["t_send"].notna() & result.rows["t_end"].notna()]
    begins, ends = (rows[column].to_numpy(dtype="int64") for column in ("t_send", "t_end"))
    return ("in flight", *occupancy(begins, ends, result.window.start, result.window.end))


def gauges(result: Result) -> list[Line]:
    """The server's gauges where it was sampled and tells: queues and batch."""
    samples, window = result.gauges, result.window
    if samples is None:
        return []
    inside = samples[window.holds(samples["t"])]
    lines = []
    for column, name in GAUGES.items():
        told = inside[inside[column].notna()]
        if len(told):
            moments, values = told["t"].to_numpy(dtype="int64"), told[column].to_numpy(dtype=float)
            lines.append((name, *binned(moments, values, window.start, window.end, min(BINS, len(told)))))
    return lines


def _panel(axes: Axes, one: Configuration, lines: Sequence[Line]) -> None:
    seconds = one.valid[0].window.seconds
    for (name, mean, peak), color in zip(lines, SERIES, strict=False):
        edges = np.linspace(0, seconds, len(mean) + 1)
        axes.stairs(peak, edges, baseline=mean, fill=True, color=color, alpha=0.25, linewidth=0)
        axes.stairs(mean, edges, color=color, linewidth=1.5, baseline=None, label=name)
    axes.set_title(one.label, loc="left", fontsize=10.5, color=INK)
    axes.set_ylim(bottom=0)
    axes.margins(x=0, y=0.1)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def _note(sampled: bool) -> str:
    exact = f"In flight: exact means over 1/{BINS} of the window, and a band up to the peak."
    return f"{exact} Queues and batch: the server's own gauges, ten times a second." if sampled else exact
