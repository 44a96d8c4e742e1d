"""Distributions of a latency, tails included as far as the samples allow."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from vgate.harness.configurations import Configuration, keys, shown
from vgate.harness.figures.downsample import CDF_POINTS, cdf, nines
from vgate.harness.figures.theme import DASHES, SERIES, Picture, canvas, scale, svg
from vgate.harness.metrics.offered import of_offered
from vgate.harness.metrics.select import in_window

HEIGHT_IN = 3.6
LINES = 6
TICKS = (0, 50, 90, 99, 99.9, 99.99)


def cdfs(found: Sequence[Configuration], metric: Callable[[pd.DataFrame], pd.Series], title: str) -> Picture | None:
    """Requests that took at most so long, in all valid rounds of the best configurations together."""
    drawn = [(one, *cdf(_values(one, metric))) for one in shown(found, LINES)]
    drawn = [line for line in drawn if line[1]]
    if not drawn:
        return None
    with canvas(HEIGHT_IN) as (figure, (axes,)):
        for number, (one, values, percents) in enumerate(drawn):
            heights = [nines(percent) for percent in percents]
            color, dashes = SERIES[number % len(SERIES)], DASHES[number % len(DASHES)]
            axes.plot(values, heights, color=color, linestyle=dashes, linewidth=1.8, label=one.short)
        _axes(
            axes, max(percents[-1] for _, _, percents in drawn), [value for _, values, _ in drawn for value in values]
        )
        axes.set_xlabel(title)
        place: Any = {"loc": "lower left", "bbox_to_anchor": (-0.02, 1.0), "borderaxespad": 0.2}
        axes.legend(**place, ncols=2, frameon=False, fontsize=10.5, labelcolor="linecolor", handlelength=2.2)
        heading = f"How {title.partition(',')[0]} is distributed"
        return Picture(heading, _note(found, len(drawn)), svg(figure, heading))


def _axes(axes: Axes, top: float, values: Sequence[float]) -> None:
    ticks = [percent for percent in TICKS if percent <= top]
    axes.set_yticks([nines(percent) for percent in ticks], [f"{percent:g} %" for percent in ticks])
    axes.set_ylim(bottom=0)
    scale(axes, values)


def _note(found: Sequence[Configuration], drawn: int) -> str:
    left_out = f" {len(found) - drawn} configurations left out." if len(found) > drawn else ""
    return (
        f"{keys(found)}. Each line goes through {CDF_POINTS + 1} exact percentiles, and ends at the highest"
        f" that its number of requests supports, or where those without a complete answer begin.{left_out}"
    )


def _values(one: Configuration, metric: Callable[[pd.DataFrame], pd.Series]) -> list[float]:
    return [float(value) for result in one.valid for value in of_offered(in_window(result.rows), metric)]
