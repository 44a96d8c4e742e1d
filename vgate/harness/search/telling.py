"""A search's outcome in words and as plain data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from vgate.harness.cells import Cell
from vgate.harness.comparing.decision import MOST_LEFT_OUT
from vgate.harness.metrics.goodput import Slo
from vgate.harness.search.confirm import Confirmed


@dataclass(frozen=True)
class Told:
    """document: what is in search.json. lines: the same for people. decided: whether the confirmation could be made."""

    document: dict[str, Any]
    lines: list[str]
    decided: bool


def tell(
    best: list[tuple[Cell, float]], confirmed: list[Confirmed], counts: Mapping[str, int], metric: str, slo: Slo
) -> Told:
    """The answer rests on the confirmation alone; what the search saw of its best is told beside it."""
    unit = "good requests/s" if slo else "output tokens/s"
    decided = [one for one in confirmed if one.decided]
    better = [one for one in decided if one.better]
    lines = [_headline(decided, better, unit), *(_line(one, unit) for one in confirmed), *_luck(better, unit)]
    tried = f"{counts['trials']} trials of {counts['configurations']} configurations"
    lines.append(f"{tried}, {counts['invalid']} of them failed or INVALID.")
    document = {
        "winner": better[0].label if better else None,
        "decided": bool(decided),
        "metric": metric,
        "targets": str(slo),
        "confirmed": [{**asdict(one), "better": one.better, "decided": one.decided} for one in confirmed],
        "best_of_search": [{"configuration": cell.label, "value": value} for cell, value in best],
        **counts,
        "words": lines,
    }
    return Told(document, lines, bool(decided))


def _headline(decided: list[Confirmed], better: list[Confirmed], unit: str) -> str:
    if better:
        one = better[0]
        assert one.value is not None  # it has an interval
        assert one.baseline is not None
        more = f"{(one.value / one.baseline - 1):.1%} more" if one.baseline > 0 else "where the baseline has none"
        return f"{one.label}: {one.value:.2f} {unit}, {more} than the command line as it stands ({one.baseline:.2f})."
    if decided:
        return f"Nothing is surely better than the command line as it stands ({decided[0].baseline:.2f} {unit})."
    return "No answer: too few rounds were valid for a candidate and the baseline to confirm anything."


def _line(one: Confirmed, unit: str) -> str:
    if one.interval is None or one.value is None:
        return f"{one.label}: only {one.rounds} rounds that are valid for it and the baseline: no interval."
    if not one.decided:
        return f"{one.label}: undecided. {_lost(one)}"
    low, high = one.interval
    verdict = "better" if one.better else "worse" if high < 0 else "no difference that these rounds could show"
    gap = f"{low:+.2f} to {high:+.2f} {unit} (95 % for all together)"
    return f"{one.label}: {one.value:.2f} in {one.rounds} fresh rounds, against the baseline {gap}: {verdict}."


def _lost(one: Confirmed) -> str:
    """Whose fault it is that too many rounds were left out."""
    share = f"{one.measured - one.rounds} of {one.measured} fresh rounds were left out, more than {MOST_LEFT_OUT:.0%}"
    fault = f"it FAILED or was INVALID in {one.lost}, the baseline in {one.baseline_lost}"
    return f"{share}: {fault}. What is left may be luck; a larger search.confirm_rounds goes on from here."


def _luck(better: list[Confirmed], unit: str) -> list[str]:
    """The best of many measurements is partly the luckiest."""
    if not better or better[0].value is None or better[0].searched <= better[0].value:
        return []
    seen = f"In the search it had shown {better[0].searched:.2f} {unit}"
    return [f"{seen}: the best of many is partly the luckiest, so only the fresh rounds count."]
