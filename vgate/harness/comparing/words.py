"""A hearing, told: what was used, what was left out and why, and what to do where it is undecided."""

import math
from collections import Counter
from statistics import fmean, median
from typing import Any

from vgate.harness.comparing.court import Hearing, Pair
from vgate.harness.comparing.decision import UNDECIDED
from vgate.harness.comparing.finding import Finding
from vgate.harness.comparing.metric import Measured, Metric
from vgate.harness.comparing.sides import Sides

CEILING = 0.99  # attainment from which goodput says no more than that there is no difference


def told(sides: Sides, hearing: Hearing, two_servers: bool) -> Finding:
    """The finding of a paired comparison."""
    rules, decision = hearing.rules, hearing.decision
    rounds = f"{hearing.rounds} round{'s' if hearing.rounds != 1 else ''} of ABBA or BAAB, {decision.pairs} pairs"
    return Finding(
        names=sides.names,
        metric=rules.metric,
        margin=rules.margin,
        decision=decision,
        values=_values(hearing.used),
        how=f"Interleaved and paired: {rounds}; the interval holds at every look.",
        paired=True,
        notes=[*_left_out(hearing), *_caveats(sides, hearing, two_servers), *_advice(hearing)],
        data=_data(sides, hearing, two_servers),
        failed=hearing.failed,
    )


def _values(pairs: list[Pair]) -> tuple[float, float] | None:
    """Geometric means, which belong to ratios; arithmetic where there are zeros."""
    if not pairs:
        return None
    a, b = ([one.value or 0.0 for one in side if one] for side in zip(*((p.a, p.b) for p in pairs), strict=True))
    return _mean(a), _mean(b)


def _mean(values: list[float]) -> float:
    return math.exp(fmean(map(math.log, values))) if all(value > 0 for value in values) else fmean(values)


def _left_out(hearing: Hearing) -> list[str]:
    """How many pairs, and each kind of reason once, with how many pairs it concerns."""
    problems = [problem for pair in hearing.left_out for problem in pair.problems]
    counts, examples = Counter(map(_kind, problems)), {_kind(problem): problem for problem in problems}
    reasons = "; ".join(f"{examples[kind]} ({count})" for kind, count in counts.most_common())
    return [f"Left out: {len(hearing.left_out)} of {len(hearing.pairs)} pairs. {reasons}"] if problems else []


def _kind(problem: str) -> str:
    """A reason without its numbers."""
    return "".join(letter for letter in problem if not letter.isdigit())


def _caveats(sides: Sides, hearing: Hearing, two_servers: bool) -> list[str]:
    notes = []
    if sides.same_in_effect:
        notes.append("A and B are the same configuration in effect: what differs is the noise of this machine.")
    if sides.asked_differently:
        notes.append(f"A and B differ in {', '.join(sides.asked_differently)}: they were not asked the same questions.")
    if two_servers:
        notes.append(
            "Two servers, started once: what differs between two starts of one program is part of the difference."
        )
    if "users" in sides.a.container["load"]:
        notes.append("Closed loop: a slower server was asked less, so latencies were not measured at equal rates.")
    if hearing.rules.metric.column == "goodput_per_s" and _at_ceiling(sides, hearing.used):
        notes.append(
            "Nearly every request met its targets on both sides, so goodput cannot tell them apart;"
            " a higher load.rate, stricter slo.* or --metric e2e_p50 might."
        )
    return notes


def _at_ceiling(sides: Sides, pairs: list[Pair]) -> bool:
    measured = [one.attainment for pair in pairs for one in (pair.a, pair.b) if one]
    return bool(measured) and median(measured) >= CEILING and "users" not in sides.a.container["load"]


def _of_left_out(pairs: list[Pair]) -> list[str]:
    """What may bring them back: a number that is refused is refused again, what failed or is INVALID may not be."""
    if any(one is None or one.invalid for pair in pairs for one in (pair.a, pair.b)):
        return ["The same command measures again the pairs of which a side failed or is INVALID."]
    return ["A longer trial.duration_s or another --metric may leave fewer out."] if pairs else []


def _advice(hearing: Hearing) -> list[str]:
    decision, rules = hearing.decision, hearing.rules
    if decision.verdict != UNDECIDED:
        return []
    if not hearing.used:
        return ["No pair could be used, so there is nothing to decide by."]
    if hearing.objections:
        return [*hearing.objections, *_of_left_out(hearing.left_out)]
    more = f"--max-rounds {2 * rules.max_rounds} goes on from here; a longer trial.duration_s makes each pair steadier."
    if decision.interval is None or decision.interval[0] <= 0 <= decision.interval[1]:
        return [more]
    which = "better" if decision.effect > 0 else "worse"
    return [f"B is {which} than A; whether by more than the margin is not decided.", more]


def _data(sides: Sides, hearing: Hearing, two_servers: bool) -> dict[str, Any]:
    return {
        "rounds": hearing.rounds,
        "max_rounds": hearing.rules.max_rounds,
        "graphs": {"a": sides.a.graph_hash, "b": sides.b.graph_hash},
        "servers": "both up" if two_servers else "one",
        "pairs": [_pair(pair, hearing.rules.metric) for pair in hearing.pairs],
    }


def _pair(pair: Pair, metric: Metric) -> dict[str, Any]:
    return {
        "pair": pair.number,
        "order": pair.order,
        "a": _measured(pair.a),
        "b": _measured(pair.b),
        "gain": pair.gain(metric) if pair.usable else None,
        "problems": pair.problems,
    }


def _measured(one: Measured | None) -> dict[str, Any] | None:
    return None if one is None else {"value": one.value, "requests": one.requests, "cell": one.cell}
