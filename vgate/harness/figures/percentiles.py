"""Median, p90 and p99 of a latency for every configuration."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from vgate.harness.configurations import Configuration, shown
from vgate.harness.figures.theme import INK, MAX_ROWS, OFF, PAPER, SERIES, SOFT, Picture, canvas, scale, short, svg

ROW_IN = 0.5
PERCENTILES = ((50, "o"), (90, "s"), (99, "D"))
LEGEND = "● p50  ■ p90  ◆ p99"


def percentiles(found: Sequence[Configuration], metric: str, title: str) -> Picture | None:
    """Means over rounds on one line each; what is refused is not drawn. None if all is."""
    drawn = [one for one in shown(found, MAX_ROWS) if _points(one, metric)]
    if not drawn:
        return None
    with canvas(0.35 + ROW_IN * len(drawn)) as (figure, (axes,)):
        for row, one in enumerate(drawn):
            _row(axes, row, one, metric)
        scale(axes, [value for one in drawn for value, _ in _points(one, metric)], room=0.2)
        axes.set(ylim=(len(drawn) - 0.6, -0.75), yticks=[])
        axes.spines["left"].set_visible(False)
        axes.grid(axis="y", visible=False)
        return Picture(title, _note(drawn, metric), svg(figure, title))


def _row(axes: Axes, row: int, one: Configuration, metric: str) -> None:
    color, points = OFF if one.classic else SERIES[0], _points(one, metric)
    axes.plot([points[0][0], points[-1][0]], [row, row], color=color, linewidth=2)
    for value, mark in points:
        axes.plot(value, row, mark, color=color, markersize=6.5, markeredgecolor=PAPER, markeredgewidth=0.8)
    last = points[-1][0]
    axes.annotate(short(last), (last, row), (8, 0), textcoords="offset points", va="center", color=INK)
    left = axes.get_yaxis_transform()  # across in shares of the axes, down in its units
    axes.annotate(
        one.label, (0, row), (0, 7.5), xycoords=left, textcoords="offset points", va="bottom", color=SOFT, fontsize=10.5
    )


def _points(one: Configuration, metric: str) -> list[tuple[float, str]]:
    """(value, marker) of each percentile that there is."""
    values = [(one.value(f"{metric}_p{percent}"), mark) for percent, mark in PERCENTILES]
    return [(value, mark) for value, mark in values if value is not None]


def _note(drawn: Sequence[Configuration], metric: str) -> str:
    refused = sum(len(_points(one, metric)) < len(PERCENTILES) for one in drawn)
    why = f"In {refused} of {len(drawn)} some are refused: too few requests, or too few of them answered."
    return f"{LEGEND}. {why}" if refused else LEGEND
