"""Where the time of a request went, stacked."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from vgate.harness.configurations import Configuration, shown
from vgate.harness.figures.theme import INK, MAX_ROWS, PAPER, SERIES, SOFT, Picture, canvas, short, svg

ROW_IN = 0.53
LEGEND_IN = 0.62
# As a request meets them; the column of the summary is <name>_ms_mean.
PARTS = {
    "client": SERIES[6],
    "gateway": SERIES[4],
    "queue": SERIES[1],
    "batch_wait": SERIES[3],
    "engine_queue": SERIES[7],
    "prefill": SERIES[5],
    "decode": SERIES[0],
    "wire": SERIES[2],
}
NAMED_SHARE = 0.1  # of the longest bar: a part that is wider is labelled with its length


def parts(found: Sequence[Configuration]) -> Picture | None:
    """Mean parts of E2E for each configuration whose server kept records. None if none did."""
    drawn = [one for one in shown(found, MAX_ROWS) if one.value("decode_ms_mean") is not None]
    if not drawn:
        return None
    title = "Where the time went, ms of mean E2E"
    with canvas(0.35 + LEGEND_IN + ROW_IN * len(drawn)) as (figure, (axes,)):
        longest = max(sum(one.value(f"{part}_ms_mean") or 0.0 for part in PARTS) for one in drawn)
        for row, one in enumerate(drawn):
            _row(axes, row, one, longest)
        axes.set(ylim=(len(drawn) - 0.6, -0.75), yticks=[], xlim=(0, longest * 1.16))
        axes.spines["left"].set_visible(False)
        axes.grid(axis="y", visible=False)
        handles, names = axes.get_legend_handles_labels()
        place = (-0.02, 1.0)
        axes.legend(
            handles[: len(PARTS)], names[: len(PARTS)], loc="lower left", bbox_to_anchor=place, ncols=4, frameon=False,
            fontsize=9.5, labelcolor=SOFT, handlelength=1.0, handletextpad=0.4, columnspacing=1.0, borderaxespad=0.2,
        )  # fmt: skip
        return Picture(title, _note(found, drawn), svg(figure, title))


def _row(axes: Axes, row: int, one: Configuration, longest: float) -> None:
    at = 0.0
    for part, color in PARTS.items():
        value = one.value(f"{part}_ms_mean") or 0.0
        width = max(0.0, value)  # a negative part, stamps of two processes in the wrong order, has no width
        axes.barh(row, width, left=at, height=0.36, color=color, edgecolor=PAPER, linewidth=0.6, label=part)
        if width > NAMED_SHARE * longest:
            axes.text(at + width / 2, row, short(round(value, 1)), ha="center", va="center", fontsize=9.5, color=PAPER)
        at += width
    axes.annotate(short(at), (at, row), (5, 0), textcoords="offset points", va="center", color=INK)
    label = one.label + (" (classic, the baseline)" if one.classic else "")
    axes.annotate(label, (0, row), (0, 9), textcoords="offset points", va="bottom", color=SOFT, fontsize=10.5)


def _note(found: Sequence[Configuration], drawn: Sequence[Configuration]) -> str:
    note = "Means over the answered requests that the server's own records tell of: they add up to the mean."
    left_out = len(found) - len(drawn)
    return f"{note} {left_out} configurations left out." if left_out else note
