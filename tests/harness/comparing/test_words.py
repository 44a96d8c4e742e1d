import json
import math

import pytest

from tests.harness.comparing.synthetic import GOODPUT, LATENCY, Machine, measured, normal, two_alike
from vgate.harness.cells import Cell
from vgate.harness.comparing.court import Rules, hear
from vgate.harness.comparing.finding import Finding
from vgate.harness.comparing.metric import Measured
from vgate.harness.comparing.sides import read_sides
from vgate.harness.comparing.words import told

MARGIN = math.log1p(0.02)
RULES = Rules(LATENCY, MARGIN, max_rounds=4)


def finding(slower: float, spread: float = 0.001) -> Finding:
    return told(two_alike(), hear(two_alike(), RULES, Machine(slower, normal(spread), 1)), two_servers=False)


@pytest.mark.parametrize(
    ("slower", "verdict", "code", "headline"),
    [
        (0.1, "worse", 1, "B is worse than A by more than 2.0%: e2e_ms_p50 changes by +"),
        (-0.1, "better", 0, "B is better than A by more than 2.0%: e2e_ms_p50 changes by -"),
        (0.001, "same", 0, "B is the same as A within 2.0%: e2e_ms_p50 changes by +0."),
    ],
)
def test_verdicts(slower: float, verdict: str, code: int, headline: str) -> None:
    found = finding(slower)
    assert found.headline.startswith(headline)
    assert found.exit_code == code
    document = json.loads(json.dumps(found.document))
    assert document["verdict"] == verdict
    assert document["exit_code"] == code
    low, high = document["interval"]
    assert low <= document["change"] <= high
    assert document["change"] == pytest.approx(slower, abs=0.003)
    assert len(document["pairs"]) == 2 * document["rounds"]
    assert document["margin"] == pytest.approx(0.02)


def test_undecided_says_what_to_do() -> None:
    found = finding(0.0, spread=0.2)
    assert found.exit_code == 3
    assert found.headline.startswith("Undecided whether B is better, worse or the same within 2.0%:")
    assert "--max-rounds 8 goes on from here" in found.text


def test_surely_worse_but_not_surely_by_the_margin() -> None:
    found = finding(0.0202, spread=0.001)
    assert found.exit_code == 3
    assert "B is worse than A; whether by more than the margin is not decided." in found.notes


def test_one_thing_twice_is_called_so() -> None:
    assert (
        "A and B are the same configuration in effect: what differs is the noise of this machine." in finding(0.0).notes
    )


def test_reasons_are_counted_by_kind() -> None:
    def measure(cell: Cell) -> Measured:
        return measured(1.0, invalid=(f"p99 of its lag is {cell.round} ms",) if cell.side == "A" else ())

    found = told(two_alike(), hear(two_alike(), RULES, measure), two_servers=False)
    assert found.exit_code == 4
    assert [note for note in found.notes if note.startswith("Left out")] == [
        "Left out: 4 of 4 pairs. A is INVALID: p99 of its lag is 3 ms (4)"
    ]
    assert found.document["change"] is None
    assert "nothing could be measured" in found.headline


def test_a_goodput_at_its_ceiling_is_told() -> None:
    sides = read_sides("batch=lockstep", "", ["+preset=dry_run", "load=poisson"])
    found = told(sides, hear(sides, Rules(GOODPUT, MARGIN, 4), lambda _cell: measured(10.0)), two_servers=True)
    assert found.decision.verdict == "same"
    assert any("goodput cannot tell them apart" in note for note in found.notes)
    assert any(note.startswith("Two servers") for note in found.notes)


def test_graph_hashes_are_kept() -> None:
    sides = read_sides("batch=lockstep", "", ["+preset=dry_run"])
    found = told(sides, hear(sides, RULES, Machine(0.0, normal(0.001), 1)), two_servers=False)
    assert found.document["graphs"] == {"a": sides.a.graph_hash, "b": sides.b.graph_hash}
    assert len(set(found.document["graphs"].values())) == 2


def test_too_many_pairs_left_out_are_told_with_whose_fault_it_is() -> None:
    machine = Machine(-0.2, normal(0.001), 1)
    hearing = hear(two_alike(), RULES, lambda cell: None if cell.side == "B" and cell.round % 3 == 0 else machine(cell))
    found = told(two_alike(), hearing, two_servers=False)
    assert (found.decision.verdict, found.exit_code) == ("undecided", 3)
    assert "3 of 8 pairs had to be left out, more than 20%" in found.text
    assert "A in 0 and B in 3" in found.text
    assert "The same command measures again the pairs of which a side failed or is INVALID." in found.notes
