"""Figures as SVG text, to stand inside a page. Sized to be read on a phone: narrow, each label above its marks."""

import io
from collections.abc import Callable, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vgate.harness.results import Result
from vgate.harness.table import name

WIDTH_IN = 4.6
ROW_IN = 0.52
GOOD, BAD, GREY = "#1f6feb", "#b0b0b0", "#555555"
PERCENTILES = ((50, "o"), (90, "s"), (99, "D"))


def bars(results: Sequence[Result], metric: str, title: str) -> str:
    """One bar per cell; INVALID ones are grey."""

    def draw(axes: Axes, row: int, result: Result) -> None:
        value = result.numbers[metric]
        axes.barh(row, value, height=0.3, color=_color(result))
        axes.text(value, row, f" {value:.4g}", va="center", fontsize=9)

    return _figure(results, title, draw)


def percentiles(results: Sequence[Result], metric: str, title: str) -> str | None:
    """Median, p90 and p99 of each cell on one line; what is refused for want of samples is not drawn.

    None if nothing is left to draw.
    """
    if not any(_points(result, metric) for result in results):
        return None

    def draw(axes: Axes, row: int, result: Result) -> None:
        points = _points(result, metric)
        axes.plot([value for value, _ in points], [row] * len(points), color=_color(result), linewidth=2)
        for value, mark in points:
            axes.plot(value, row, mark, color=_color(result), markersize=6)
        if points:
            last = points[-1][0]
            axes.annotate(f"{last:.4g}", (last, row), (8, 0), textcoords="offset points", va="center", fontsize=9)

    return _figure(results, f"{title}\n● p50   ■ p90   ◆ p99", draw)


def _points(result: Result, metric: str) -> list[tuple[float, str]]:
    """(value, marker) of each percentile that there is."""
    values = [(result.numbers[f"{metric}_p{percent}"], mark) for percent, mark in PERCENTILES]
    return [(value, mark) for value, mark in values if value is not None]


def _figure(results: Sequence[Result], title: str, draw: Callable[[Axes, int, Result], None]) -> str:
    with mpl.rc_context({"font.size": 10, "svg.fonttype": "none", "svg.hashsalt": title}):
        figure = Figure(figsize=(WIDTH_IN, 0.9 + ROW_IN * len(results)), layout="constrained")
        axes = figure.subplots()
        for row, result in enumerate(results):
            draw(axes, row, result)
            axes.text(0, row - 0.22, _label(result), fontsize=9, color=GREY, va="bottom")
        axes.set(ylim=(len(results) - 0.5, -0.8), yticks=[], xlim=(0, axes.get_xlim()[1] * 1.12))
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.set_title(title, loc="left", fontsize=10)
        axes.grid(axis="x", alpha=0.3)
        return _svg(figure)


def _label(result: Result) -> str:
    return name(result.about) + (" INVALID" if result.invalid else "")


def _color(result: Result) -> str:
    return BAD if result.invalid else GOOD


def _svg(figure: Figure) -> str:
    """The <svg> element alone, scaling with the page."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    svg = text.getvalue()
    return svg[svg.index("<svg") :].replace("<svg ", '<svg role="img" ', 1)
