"""One look for all figures: as wide as a phone, coloured by the page's style sheet, so dark where the page is."""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

WIDTH_IN = 4.8
DECADES = 12  # largest over smallest value, above which an axis is logarithmic
MAX_ROWS = 16  # configurations in one figure; more cannot be read on a phone
# Okabe and Ito's palette, which colour-blind people can tell apart, in the order in which series take them.
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#767676", "#8c510a")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (3, 1)), (0, (8, 2)))
INK, SOFT, RULE, OFF, PAPER = "#1b1c1d", "#5f6468", "#dfe2e5", "#a9aeb3", "#fefefe"
# In the page each colour is a variable of its style sheet; alone, as in a notebook, it is itself.
_VARIABLES = {color: f"s{index}" for index, color in enumerate(SERIES, 1)}
_VARIABLES |= {INK: "ink", SOFT: "soft", RULE: "rule", OFF: "off", PAPER: "paper"}
_STYLE: Any = {
    "font.size": 11,
    "svg.fonttype": "none",
    "path.simplify_threshold": 0.5,
    "text.color": INK,
    "axes.edgecolor": OFF,
    "axes.labelcolor": SOFT,
    "axes.labelsize": 10.5,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "xtick.color": OFF,
    "ytick.color": OFF,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": SOFT,
    "xtick.labelsize": 10.5,
    "ytick.labelsize": 10.5,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
}


@dataclass(frozen=True)
class Picture:
    """A figure to stand in a page. note: how it is to be read, and what was left out of it."""

    title: str
    note: str
    svg: str

    def _repr_html_(self) -> str:
        """As notebooks show it."""
        return f"<figure><figcaption><b>{escape(self.title)}</b><br>{escape(self.note)}</figcaption>{self.svg}</figure>"


@contextmanager
def canvas(height_in: float, rows: int = 1) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure with so many axes, one above the other, in the common style."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
        axes = figure.subplots(rows, sharex=True, squeeze=False)
        yield figure, list(axes[:, 0])


def svg(figure: Figure, title: str) -> str:
    """The <svg> element alone, scaling with the page. To be called inside `canvas`."""
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": title}):
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(text, format="svg", transparent=True, metadata=metadata)
    return _slim(text.getvalue(), title)


def scale(axes: Axes, values: Sequence[float], room: float = 0.0) -> None:
    """The x axis: from zero, or logarithmic where the values are far apart. room: to the right, as a share."""
    low, high = min(values), max(values)
    if low > 0 and high / low > DECADES:
        left, right = low * 0.8, high * (high / low) ** room * 1.1
        axes.set_xscale("log")
        axes.set_xlim(left, right)
        ticks = [digit * 10.0**power for power in range(-3, 7) for digit in (1, 2, 5)]
        axes.set_xticks([tick for tick in ticks if left <= tick <= right])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter("{x:g}")
    else:
        axes.set_xlim(0, high * (1.05 + room))


def short(value: float) -> str:
    """A number beside its mark: four digits, never an exponent."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Positions as near to the wanted ones as leaves `gap` between them, in the wanted order."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    placed = [wanted[index] for index in order]
    for index in range(1, len(placed)):
        placed[index] = max(placed[index], placed[index - 1] + gap)
    excess = sum(placed[i] - wanted[order[i]] for i in range(len(placed))) / max(1, len(placed))
    return [value - excess for _, value in sorted(zip(order, placed, strict=True))]


def _slim(text: str, title: str) -> str:
    """Without what a page does not need: prologue, ids that nothing refers to, a font list in every text."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r"font-family: [^;\"]*;?\s?", "", text)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    text = re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in used else "", text)
    for color, variable in _VARIABLES.items():
        text = text.replace(color, f"var(--{variable}, {color})")
    root = f'<svg role="img" aria-label="{escape(title)}" font-family="system-ui, sans-serif" stroke-linejoin="round" '
    return re.sub(r"\n\s*", "\n", text.replace("<svg ", root, 1))
