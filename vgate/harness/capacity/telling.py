"""A capacity search's outcome in words, as a table, and as plain data."""

from dataclasses import asdict
from itertools import pairwise
from typing import Any

from vgate.harness.capacity.evidence import Evidence, Probe
from vgate.harness.capacity.seek import Found, Goal

CLIFF_SHARE = 0.2  # so many bad requests, or ten times what is allowed, up to half of them ...
CLIFF_WIDTH = 1.1  # ... up to so many times a rate that looks good, are no slope


def words(found: Found, goal: Goal, targets: str) -> list[str]:
    """The answer first, then how sure it is and what it cost, a line each."""
    invalid = sum(bool(probe.faults) for probe in found.probes)
    bad = f" ({invalid} of them INVALID, which do not count)" if invalid else ""
    cost = f"{len(found.probes)} windows{bad}, {found.sent} requests, {found.seconds / 60:.1f} minutes of measuring"
    return [
        _headline(found, goal, targets),
        *_sure(found, goal),
        *_cliff_words(found, goal),
        *_contradiction_words(found, goal),
        f"Stopped because {found.stopped}: {cost}.",
    ]


def table(found: Found, goal: Goal) -> list[str]:
    """A line for each rate, lowest first."""
    head = ("requests/s", "requests", "independent", "bad %", "verdict")
    rows = [
        (
            f"{one['rate']:g}",
            str(one["requests"]),
            f"{one['independent']:.0f}",
            f"{100 * one['bad_share']:.2f}",
            one["verdict"],
        )
        for one in rates(found, goal)
    ]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(4)]
    return ["  ".join([*map(str.rjust, row[:4], widths), row[4]]) for row in [head, *rows]]


def document(found: Found, goal: Goal, targets: str) -> dict[str, Any]:
    """Everything that the words say, for programs. Rates are requests per second."""
    at = found.known.crossing
    return {
        "capacity_per_s": at.rate if at else None,
        "interval_per_s": [at.low, at.high] if at else None,
        "passed_per_s": found.known.passed,
        "failed_per_s": found.known.failed,
        "rule_passed_per_s": ends(found, goal)[0],
        "rule_failed_per_s": ends(found, goal)[1],
        "limit": at.limit if at else None,
        "exact_enough": found.enough,
        "stopped": found.stopped,
        "cliff": cliff(found, goal),
        "monotone": not _contradictions(found, goal),
        "targets": targets,
        "goal": asdict(goal),
        "requests_sent": found.sent,
        "measured_s": round(found.seconds, 3),
        "rates": rates(found, goal),
        "windows": [_window(probe) for probe in found.probes],
        "words": words(found, goal, targets),
    }


def _window(probe: Probe) -> dict[str, Any]:
    attainment = probe.attainment if probe.count else None
    seen = {"rate": probe.rate, "requests": probe.count, "sent": probe.sent, "attainment": attainment}
    return {**seen, "faults": list(probe.faults)}


def rates(found: Found, goal: Goal) -> list[dict[str, Any]]:
    """What each rate showed, lowest first: by the limit that was missed most often."""
    return [
        {"rate": rate, "requests": at.count, **_worst(at), "verdict": verdict(at, goal)}
        for rate, at in sorted(found.known.evidence.items())
        if at.tallies
    ]


def verdict(at: Evidence, goal: Goal) -> str:
    """On one rate, from its own windows alone, by the c = 0.99 rule."""
    if at.overloaded:
        return "overload: latencies rose through the window until most were bad"
    if at.passes(goal.allowed):
        return "passes"
    if at.fails(goal.allowed):
        return "fails"
    return "undecided, looks good" if at.looks_good(goal.allowed) else "undecided, looks bad"


def ends(found: Found, goal: Goal) -> tuple[float | None, float | None]:
    """The highest rate that passes and the lowest that fails, by their own windows and the c = 0.99 rule."""
    known = found.known.evidence
    passing = [rate for rate, at in known.items() if at.passes(goal.allowed)]
    failing = [rate for rate, at in known.items() if at.fails(goal.allowed)]
    return max(passing, default=None), min(failing, default=None)


def cliff(found: Found, goal: Goal) -> dict[str, float] | None:
    """Where the share of bad requests jumps from what is allowed to a multiple of it; None where it does not."""
    known = found.known
    if not known.good or known.crossing is None:
        return None
    steep = max(CLIFF_SHARE, min(0.5, 10 * goal.allowed))
    below = [rate for rate in known.good if rate <= known.crossing.missed]
    for rate, at in sorted(known.evidence.items()):
        if not below or rate <= max(below) or not (at.overloaded or at.worst.share >= steep):
            continue
        if rate > max(below) * CLIFF_WIDTH:
            return None
        before = known.evidence[max(below)].worst.share
        return {"from": max(below), "to": rate, "bad_before": before, "bad_after": at.worst.share}
    return None


def _headline(found: Found, goal: Goal, targets: str) -> str:
    at, passed = found.known.crossing, found.known.passed
    needed = f"{100 * (1 - goal.allowed):g} % of the requests meet {targets}"
    if at is not None:
        doubt = "" if found.enough else " The search ended before this was as exact as asked."
        answer = f"{at.rate:.4g} requests/s (95 % interval {at.low:.4g} to {at.high:.4g}"
        first = f"Capacity: {answer}, by a curve fitted to all rates), the Poisson rate up to which {needed}."
        return f"{first} {at.limit} gives way first.{doubt}"
    if passed is not None:
        return f"The capacity is {passed:.4g} requests/s or more: there, by the c = 0.99 rule, {needed}."
    return f"No capacity was found: at no rate that was tried was it shown that {needed}."


def _sure(found: Found, goal: Goal) -> list[str]:
    """What was shown at rates that were measured, and what the curve says between and beyond them."""
    known = found.known
    if known.crossing is None:
        return []
    passing, failing = ends(found, goal)
    shown = [f"they are met at {passing:g}/s"] if passing is not None else []
    shown += [f"they are missed at {failing:g}/s"] if failing is not None else []
    lines = ["No rate was measured long enough to be decided by itself (c = 0.99)."]
    if shown:
        between = " Between, the curve interpolates." if len(shown) == 2 else ""
        lines = [f"Shown by the windows there alone (c = 0.99): {' and '.join(shown)}.{between}"]
    if known.passed is not None:
        bounds = f"with 99 % probability above {known.passed:.4g}/s, and with as much below {known.failed:.4g}/s"
        lines.append(f"By the curve the capacity lies {bounds}.")
    return lines


def _cliff_words(found: Found, goal: Goal) -> list[str]:
    edge = cliff(found, goal)
    if edge is None:
        return []
    shares = f"{edge['bad_before']:.1%} to {edge['bad_after']:.1%}"
    where = f"from {edge['from']:g}/s to {edge['to']:g}/s the share of bad requests goes from {shares}"
    return [f"A cliff, not a slope: {where}; a little more load than planned costs a large part of them."]


def _contradiction_words(found: Found, goal: Goal) -> list[str]:
    return [
        f"{low:g}/s fails and {high:g}/s, though more, passes: the machine drifted, or more load makes it faster."
        for low, high in _contradictions(found, goal)
    ]


def _contradictions(found: Found, goal: Goal) -> list[tuple[float, float]]:
    """Neighbouring decided rates of which the lower fails and the higher passes."""
    decided = [
        (rate, at.passes(goal.allowed))
        for rate, at in sorted(found.known.evidence.items())
        if at.passes(goal.allowed) or at.fails(goal.allowed)
    ]
    return [(low, high) for (low, good), (high, better) in pairwise(decided) if better and not good]


def _worst(at: Evidence) -> dict[str, Any]:
    limit, tally = max(at.tallies.items(), key=lambda item: item[1].share)
    return {"limit": limit, "bad": tally.bad, "bad_share": tally.share, "independent": tally.effective}
