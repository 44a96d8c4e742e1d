"""The hearing on measurements of known truth: what it decides, how often it errs, and in which order it measures."""

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.harness.comparing.synthetic import (
    GOODPUT,
    LATENCY,
    Machine,
    Noise,
    chunks,
    heavy,
    measured,
    normal,
    stalls,
    two_alike,
)
from vgate.harness.cells import Cell
from vgate.harness.comparing.court import Rules, cells, hear
from vgate.harness.comparing.decision import BETTER, SAME, UNDECIDED, WORSE
from vgate.harness.comparing.metric import Measured

MARGIN = 0.02
RULES = Rules(LATENCY, MARGIN, max_rounds=12)


def verdicts(slower: float, noise: Noise, trials: int, margin: float = MARGIN) -> Counter[str]:
    rules = Rules(LATENCY, margin, max_rounds=12)
    return Counter(hear(two_alike(), rules, Machine(slower, noise, seed)).decision.verdict for seed in range(trials))


@pytest.mark.parametrize("noise", [normal(0.02), heavy(0.01), stalls(0.02)], ids=["normal", "outliers", "stalls"])
def test_a_thing_against_itself_raises_no_alarm(noise: Noise) -> None:
    """Alarms: of 500 comparisons at most 1 % with the margin; of 1,000 without one, where they are likeliest, 5 %."""
    found = verdicts(0.0, noise, 500)
    assert found[BETTER] + found[WORSE] <= 5
    strict = verdicts(0.0, noise, 1000, margin=0.0)
    assert strict[BETTER] + strict[WORSE] <= 50


def test_a_difference_of_the_margin_is_seldom_called_more() -> None:
    found = verdicts(0.0202, normal(0.01), 1000)  # ln(1.0202) is the margin
    assert found[WORSE] <= 25
    assert found[BETTER] == 0


@pytest.mark.parametrize(("slower", "verdict"), [(0.05, WORSE), (-0.05, BETTER)])
def test_five_percent_are_found(slower: float, verdict: str) -> None:
    """In more than 95 of 100 comparisons on a machine whose measurements scatter by 1.5 %."""
    found = verdicts(slower, normal(0.015), 500)
    assert found[verdict] > 475


def test_the_same_is_said_of_the_same() -> None:
    found = verdicts(0.0, normal(0.01), 500)
    assert found[SAME] > 475


def drifting(drift: Callable[[int], float]) -> Counter[str]:
    machines = [Machine(0.0, normal(0.005), seed, drift) for seed in range(300)]
    return Counter(hear(two_alike(), RULES, machine).decision.verdict for machine in machines)


def test_a_drift_of_the_machine_is_not_a_difference() -> None:
    """10 % slower in the course of the comparison, evenly: rounds of ABBA cancel it; A first and then B would not."""
    found = Counter(
        hear(
            two_alike(), RULES, Machine(0.0, normal(0.005), seed, drift=lambda moment: 0.1 * moment / 48)
        ).decision.verdict
        for seed in range(300)
    )
    assert found[SAME] > 285


def test_a_place_in_the_round_is_not_a_difference() -> None:
    """Whoever is measured first of two is 3 % slower: each side is that as often."""
    found = Counter(
        hear(
            two_alike(), RULES, Machine(0.0, normal(0.005), seed, drift=lambda moment: 0.03 * (moment % 2))
        ).decision.verdict
        for seed in range(300)
    )
    assert not found[BETTER] + found[WORSE]


def test_rounds_are_abba_or_baab_and_a_pair_has_one_seed() -> None:
    machine = Machine(0.0, normal(1.0), seed=1)
    hearing = hear(two_alike(), RULES, machine)
    assert hearing.rounds == 12
    orders = ["".join(cell.side for cell in four) for four in chunks(machine.asked, 4)]
    assert set(orders) == {"ABBA", "BAAB"}
    for first, second in chunks(machine.asked, 2):
        assert first.side != second.side
        assert first.seed == second.seed
    assert len({cell.seed for cell in machine.asked}) == 24
    assert len({cell.key for cell in machine.asked}) == 48
    assert machine.asked == cells(two_alike(), RULES)


def test_another_seed_gives_another_order() -> None:
    orders = ["".join(cell.side for cell in cells(two_alike(seed), RULES)) for seed in range(3)]
    assert len(set(orders)) == 3


def test_where_a_restart_is_dear_the_order_needs_the_fewest() -> None:
    rules = Rules(LATENCY, MARGIN, max_rounds=12, fixed_order=True)
    sides = [cell.side for cell in cells(two_alike(), rules)]
    assert sum(a != b for a, b in itertools.pairwise(sides)) == 2 * 12


def test_it_stops_at_the_first_verdict() -> None:
    machine = Machine(0.2, normal(0.001), seed=1)
    hearing = hear(two_alike(), RULES, machine)
    assert (hearing.rounds, len(machine.asked)) == (2, 8)
    assert hearing.decision.verdict == WORSE


def test_invalid_measurements_take_no_part_and_are_told() -> None:
    machine = Machine(0.0, normal(0.001), seed=1)

    def measure(cell: Cell) -> Measured:
        late = cell.side == "B" and cell.round == 1
        return measured(1.0, invalid=("sent late",)) if late else machine(cell)

    hearing = hear(two_alike(), RULES, measure)
    assert hearing.decision.verdict == SAME
    assert [pair.problems for pair in hearing.left_out] == [["B is INVALID: sent late"]]
    assert hearing.decision.pairs == len(hearing.pairs) - 1 >= 4


@pytest.mark.parametrize(
    ("of_b", "told"),
    [
        (None, "B could not be measured"),
        (measured(1.0, invalid=("sent late",)), "B is INVALID: sent late"),
        (measured(None), "B has no such number: undefined, or refused for only 100 requests"),
    ],
    ids=["failed", "invalid", "refused"],
)
def test_where_nothing_can_be_used_it_gives_up(of_b: Measured | None, told: str) -> None:
    hearing = hear(two_alike(), RULES, lambda cell: of_b if cell.side == "B" else measured(1.0))
    assert hearing.rounds == 2
    assert hearing.failed
    assert hearing.decision.verdict == UNDECIDED
    assert hearing.pairs[0].problems == [told]


def broken(machine: Machine, side: str, every: int) -> Callable[[Cell], Measured | None]:
    """The machine, but one of so many measurements of that side fails."""
    return lambda cell: None if cell.side == side and cell.round % every == 0 else machine(cell)


@pytest.mark.parametrize("side", ["A", "B"])
@pytest.mark.parametrize("slower", [-0.2, 0.0, 0.2])
def test_a_side_that_breaks_often_does_not_win_by_the_rest(side: str, slower: float) -> None:
    """One pair of four is left out in every look, however clear the others are."""
    hearing = hear(two_alike(), RULES, broken(Machine(slower, normal(0.001), seed=1), side, every=4))
    assert hearing.decision.verdict == UNDECIDED
    assert hearing.rounds == RULES.max_rounds
    (why,) = hearing.objections
    other = "B" if side == "A" else "A"
    assert why.startswith("6 of 24 pairs had to be left out, more than 20%")
    assert f"{side} in 6" in why
    assert f"{other} in 0" in why


def test_a_few_pairs_that_are_left_out_only_cost_more_rounds() -> None:
    """One of the first four is more than a fifth, of the first six no longer."""
    hearing = hear(two_alike(), RULES, broken(Machine(0.2, normal(0.001), seed=1), "B", every=1000))
    assert (hearing.rounds, hearing.decision.verdict, hearing.objections) == (3, WORSE, [])


def refusing(machine: Machine, side: str, share: float) -> Callable[[Cell], Measured]:
    return lambda cell: replace(machine(cell), unanswered=round(100 * share) if cell.side == side else 0)


@pytest.mark.parametrize("slower", [-0.2, 0.0, 0.2])
def test_a_latency_is_not_compared_where_one_side_refuses_more(slower: float) -> None:
    """Whom it refused left room for the others. More rounds would not change that, so there are none."""
    machine = Machine(slower, normal(0.001), seed=1)
    hearing = hear(two_alike(), RULES, refusing(machine, "B", 0.29))
    assert hearing.decision.verdict == UNDECIDED
    assert hearing.rounds == 2
    (why,) = hearing.objections
    assert why.startswith("Not comparable by e2e_ms_p50: A answered 100.0% of its requests,")
    assert "B 71.0%" in why


def test_refusals_within_the_margin_or_counted_by_the_metric_are_no_obstacle() -> None:
    few = hear(two_alike(), RULES, refusing(Machine(0.2, normal(0.001), seed=1), "B", 0.01))
    assert few.decision.verdict == WORSE
    counted = Rules(GOODPUT, MARGIN, max_rounds=12)
    many = hear(two_alike(), counted, refusing(Machine(0.2, normal(0.001), seed=1), "B", 0.5))
    assert many.decision.verdict == BETTER


def test_nothing_good_against_something_is_worse() -> None:
    """A goodput of 0 has no logarithm; it is taken for half a request."""
    rules = Rules(GOODPUT, MARGIN, max_rounds=12)
    hearing = hear(two_alike(), rules, lambda cell: measured(0.0 if cell.side == "B" else 9.9 + cell.round / 100))
    assert hearing.decision.verdict == WORSE


def test_equal_counts_are_the_same_to_within_a_request() -> None:
    rules = Rules(GOODPUT, MARGIN, max_rounds=12)
    assert hear(two_alike(), rules, lambda _cell: measured(10.0)).decision.verdict == SAME
    few = hear(two_alike(), rules, lambda _cell: measured(10.0, requests=5))
    assert few.decision.interval == pytest.approx((-1 / 50, 1 / 50))
    assert few.rounds == 5
