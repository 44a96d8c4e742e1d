"""Latency against throughput, and which configurations nobody beats in both."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from vgate.harness.configurations import Configuration, keys
from vgate.harness.figures.theme import INK, OFF, PAPER, SERIES, SOFT, Picture, canvas, scale, spread, svg

HEIGHT_IN = 3.3
PERCENTS = (95, 50)
THROUGHPUT = "output_tokens_per_s"
LABELS = 8
Point = tuple[float, float, Configuration]


def pareto(found: Sequence[Configuration], metric: str, words: str) -> Picture | None:
    """The metric's p95, or p50 where a p95 is refused, against output tokens/s. None below two configurations."""
    percent, points = _highest(found, metric)
    if len(points) < 2:
        return None
    front = pareto_front(points)
    name, _, unit = words.partition(", ")
    title = f"Throughput against {name} p{percent}"
    with canvas(HEIGHT_IN) as (figure, (axes,)):
        _draw(axes, points, front)
        axes.set_xlabel(f"{name} p{percent}, {unit} (left is better)")
        axes.set_title("output tokens/s (up is better)", loc="left", fontsize=10.5, color=SOFT)
        return Picture(title, _note(points, front), svg(figure, title))


def pareto_front(points: Sequence[Point]) -> list[Point]:
    """Those that no other has at most the latency and at least the throughput of, by latency."""
    front: list[Point] = []
    for point in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or point[1] > front[-1][1]:
            front.append(point)
    return front


def _highest(found: Sequence[Configuration], metric: str) -> tuple[int, list[Point]]:
    """The highest percentile that all valid configurations have, and their points; the lowest if there is none."""
    made: list[Point] = []
    for percent in PERCENTS:
        made = _points(found, f"{metric}_p{percent}")
        if len(made) == sum(bool(one.valid) for one in found):
            return percent, made
    return PERCENTS[-1], made


def _points(found: Sequence[Configuration], latency: str) -> list[Point]:
    values = [(one.value(latency), one.value(THROUGHPUT), one) for one in found]
    return [(x, y, one) for x, y, one in values if x is not None and y is not None]


def _draw(axes: Axes, points: Sequence[Point], front: Sequence[Point]) -> None:
    for point in points:
        latency, throughput, one = point
        color, mark = SERIES[0] if point in front else OFF, "D" if one.classic else "o"
        axes.plot(latency, throughput, mark, color=color, markersize=8, markeredgecolor=PAPER, zorder=3)
    axes.step(
        [x for x, _, _ in front], [y for _, y, _ in front], where="post", color=SERIES[0], linewidth=1.2, alpha=0.6
    )
    scale(axes, [latency for latency, _, _ in points], room=0.05)
    axes.margins(y=0.12)
    axes.set_ylim(bottom=0)
    classic = [point for point in points if point[2].classic and point not in front]
    _label(axes, points if len(points) <= LABELS else [*front[:LABELS], *classic], front)


def _label(axes: Axes, points: Sequence[Point], front: Sequence[Point]) -> None:
    """Names beside their points, towards the middle, none on top of another."""
    low, high = axes.get_ylim()
    across = axes.transAxes.inverted()
    heights = spread([y for _, y, _ in points], (high - low) * 0.062)
    for point, height in zip(points, heights, strict=True):
        x, y, one = point
        side = -1 if across.transform(axes.transData.transform((x, y)))[0] > 0.5 else 1
        up = (height - y) / (high - low) * (HEIGHT_IN - 0.9) * 72  # from the axes' unit to points of the page
        text = one.short + (" (classic)" if one.classic else "")
        axes.annotate(
            text, (x, y), (9 * side, up), textcoords="offset points", ha="left" if side > 0 else "right",
            va="center", color=INK if point in front else SOFT, fontsize=10.5, zorder=4,
        )  # fmt: skip


def _note(points: Sequence[Point], front: Sequence[Point]) -> str:
    others = len(points) - len(front)
    labels = f"Labels: {keys([one for _, _, one in points])}."
    return f"{labels} Grey: {others} that another beats or equals in both." if others else labels
