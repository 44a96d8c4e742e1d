import json
from dataclasses import replace

import numpy as np

from tests.harness.capacity.test_seek import GOAL, cliff, server
from vgate.harness.capacity.evidence import Evidence, Probe
from vgate.harness.capacity.known import Known
from vgate.harness.capacity.seek import Found, Goal, Seek
from vgate.harness.capacity.telling import document, ends, table, words

TARGETS = "TTFT <= 500 ms"


def found_of(goal: Goal = GOAL) -> Found:
    return Seek(server(cliff), goal).run()


def at(rate: float, bad: int, count: int) -> Evidence:
    draw = np.random.default_rng(bad).permutation(count)
    margins = np.where(draw < bad, 2.0, 0.5)
    return Evidence([Probe(rate, {"TTFT": margins}, count, 1.0)])


def known_of(evidence: dict[float, Evidence]) -> Known:
    return Known(GOAL.allowed, GOAL.first, evidence)


def test_the_answer_stands_first() -> None:
    found = found_of()
    first, second, third, *_ = words(found, GOAL, TARGETS)
    known = found.known
    assert known.crossing is not None
    assert first.startswith(f"Capacity: {known.crossing.rate:.4g} requests/s (95 % interval {known.crossing.low:.4g} ")
    assert first.endswith(f"the Poisson rate up to which 95 % of the requests meet {TARGETS}. TTFT gives way first.")
    assert "by a curve fitted to all rates" in first
    passing, failing = ends(found, GOAL)
    shown = f"they are met at {passing:g}/s and they are missed at {failing:g}/s. Between, the curve interpolates."
    assert second == f"Shown by the windows there alone (c = 0.99): {shown}"
    assert third.startswith(f"By the curve the capacity lies with 99 % probability above {known.passed:.4g}/s, and")


def test_the_rule_is_claimed_of_rates_that_were_measured_alone() -> None:
    """Not of the curve's bounds, at which nothing was measured."""
    found = found_of()
    passing, failing = ends(found, GOAL)
    assert passing is not None
    assert failing is not None
    assert found.known.evidence[passing].passes(GOAL.allowed)
    assert found.known.evidence[failing].fails(GOAL.allowed)
    few = Found(known_of({10.0: at(10.0, 1, 40), 20.0: at(20.0, 3, 40)}), False, "so", [])
    assert ends(few, GOAL) == (None, None)
    assert "No rate was measured long enough to be decided by itself (c = 0.99)." in words(few, GOAL, TARGETS)


def test_windows_that_do_not_count_are_told() -> None:
    measured = found_of()
    found = replace(measured, probes=[replace(measured.probes[0], faults=("late",)), *measured.probes[1:]])
    assert "windows (1 of them INVALID, which do not count), " in words(found, GOAL, TARGETS)[-1]


def test_a_cliff_is_called_one() -> None:
    text = "\n".join(words(found_of(), GOAL, TARGETS))
    assert "A cliff, not a slope" in text
    slope = Seek(server(lambda rate: min(1.0, 0.05 * (rate / 40) ** 8)), GOAL).run()
    assert "A cliff" not in "\n".join(words(slope, GOAL, TARGETS))


def test_why_it_stopped_and_what_it_cost() -> None:
    found = found_of(replace(GOAL, max_seconds=3.0))
    first, *_, last = words(found, GOAL, TARGETS)
    assert first.endswith("The search ended before this was as exact as asked.")
    cost = f"3 windows, {found.sent} requests, 0.1 minutes of measuring"
    assert last == f"Stopped because 0.1 minutes were measured: {cost}."


def test_what_is_only_known_from_below() -> None:
    found = Seek(server(lambda _: 0.0), replace(GOAL, highest=100.0)).run()
    first = words(found, GOAL, TARGETS)[0]
    assert first.startswith("The capacity is 100 requests/s or more: there, by the c = 0.99 rule, 95 % of the requests")


def test_no_capacity() -> None:
    found = Seek(server(lambda _: 0.5), GOAL).run()
    assert words(found, GOAL, TARGETS)[0].startswith("No capacity was found: at no rate that was tried was it shown")


def test_more_load_that_does_better_is_said() -> None:
    found = Found(known_of({10.0: at(10.0, 200, 1000), 20.0: at(20.0, 0, 1000)}), False, "so", [])
    assert any(line.startswith("10/s fails and 20/s, though more, passes") for line in words(found, GOAL, TARGETS))
    assert document(found, GOAL, TARGETS)["monotone"] is False


def test_every_rate_has_its_line() -> None:
    evidence = {
        5.0: at(5.0, 0, 200),
        10.0: at(10.0, 4, 100),
        20.0: at(20.0, 60, 120),
        40.0: Evidence([Probe(40.0, {"TTFT": np.linspace(0, 3, 100)}, 100, 1.0)]),
    }
    lines = table(Found(known_of(evidence), True, "so", []), GOAL)
    assert lines[0].split() == ["requests/s", "requests", "independent", "bad", "%", "verdict"]
    assert [line.split("  ")[-1] for line in lines[1:]] == [
        "passes",
        "undecided, looks good",
        "fails",
        "overload: latencies rose through the window until most were bad",
    ]


def test_the_document_is_plain_data() -> None:
    told = document(found_of(), replace(GOAL, max_seconds=60.0), TARGETS)
    again = json.loads(json.dumps(told))
    low, high = again["interval_per_s"]
    assert low < again["capacity_per_s"] < high
    assert again["rule_passed_per_s"] < again["rule_failed_per_s"]
    assert again["passed_per_s"] < again["capacity_per_s"] < again["failed_per_s"]
    assert sum(line["requests"] for line in again["rates"]) == sum(line["requests"] for line in again["windows"])
