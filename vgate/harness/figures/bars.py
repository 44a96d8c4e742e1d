"""One number of every configuration, as bars."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from vgate.harness.configurations import Configuration, shown
from vgate.harness.figures.theme import INK, MAX_ROWS, OFF, SERIES, SOFT, Picture, canvas, short, svg

ROW_IN = 0.53


def bars(found: Sequence[Configuration], metric: str, title: str) -> Picture | None:
    """The mean over rounds, best first, with its 95 % interval where there is one. None if all is zero or INVALID."""
    drawn = [one for one in shown(found, MAX_ROWS) if one.value(metric) is not None]
    if not any(one.value(metric) for one in drawn):
        return None
    with canvas(0.35 + ROW_IN * len(drawn)) as (figure, (axes,)):
        for row, one in enumerate(drawn):
            _row(axes, row, one, metric)
        axes.set(ylim=(len(drawn) - 0.6, -0.75), yticks=[], xlim=(0, axes.get_xlim()[1] * 1.16))
        axes.spines["left"].set_visible(False)
        axes.grid(axis="y", visible=False)
        return Picture(title, _note(found, drawn), svg(figure, title))


def _row(axes: Axes, row: int, one: Configuration, metric: str) -> None:
    value, interval = one.value(metric), one.interval(metric)
    assert value is not None  # only these are drawn
    axes.barh(row, value, height=0.34, color=OFF if one.classic else SERIES[0])
    if interval is not None:
        axes.plot(interval, [row, row], color=INK, linewidth=1.3, marker="|", markersize=5)
    elif len(one.rounds(metric)) > 1:
        axes.plot(one.rounds(metric), [row] * len(one.rounds(metric)), "|", color=INK, markersize=5)
    end = max(value, *(interval or (0.0, 0.0)))
    axes.annotate(short(value), (end, row), (5, 0), textcoords="offset points", va="center", color=INK)
    label = one.label + (" (classic, the baseline)" if one.classic else "")
    axes.annotate(label, (0, row), (0, 9), textcoords="offset points", va="bottom", color=SOFT, fontsize=10.5)


def _note(found: Sequence[Configuration], drawn: Sequence[Configuration]) -> str:
    rounds = max(len(one.valid) for one in drawn)
    within = "One round each; whiskers: its 95 % interval."
    ticks = {1: within, 2: "Ticks: the rounds."}.get(rounds, "Whiskers: 95 % interval over rounds.")
    left_out = len(found) - len(drawn)
    return f"{ticks} {left_out} more in the table." if left_out else ticks
