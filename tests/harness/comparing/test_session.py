import math
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.comparing.synthetic import LATENCY, two_alike
from tests.harness.rows import FakeRun, steady
from vgate.harness.cells import Cell
from vgate.harness.comparing.court import Rules, cells
from vgate.harness.comparing.session import forget_bad_pairs
from vgate.harness.store import RunFolder

RULES = Rules(LATENCY, math.log1p(0.02), max_rounds=3)
PLANNED = cells(two_alike(), RULES)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def kept(
    folder: RunFolder, there: list[Cell], answer_ms: Callable[[Cell], float], invalid: tuple[int, ...] = ()
) -> list[bool]:
    """Which of PLANNED are there after those `there` were measured and the rest forgotten. invalid: their places."""
    run = FakeRun(folder.path)
    for cell in there:
        run.add(steady(100, ttft_ms=answer_ms(cell)), cpu_share=0.95 if PLANNED.index(cell) in invalid else 0.1)
        (measured,) = folder.cells.glob("cell*")
        measured.rename(folder.place(cell))
    forget_bad_pairs(folder, two_alike(), RULES)
    return [folder.has(cell) for cell in PLANNED]


def unclear(cell: Cell) -> float:
    """B is now faster, now slower: no verdict."""
    return 50.0 + (cell.round % 3) * 20 * (cell.side == "B")


def test_a_half_pair_is_forgotten_and_whole_ones_stay(folder: RunFolder) -> None:
    """Its other half would be measured at another time. The first pair of the torn round is as good as any."""
    assert kept(folder, PLANNED[:7], unclear) == [True] * 6 + [False] * 6


def test_a_side_that_failed_costs_its_pair_alone(folder: RunFolder) -> None:
    there = [cell for cell in PLANNED if cell is not PLANNED[2]]
    assert kept(folder, there, unclear) == [True] * 2 + [False] * 2 + [True] * 8


def test_a_pair_with_an_invalid_side_is_measured_again(folder: RunFolder) -> None:
    assert kept(folder, PLANNED, unclear, invalid=(5,)) == [True] * 4 + [False] * 2 + [True] * 6
    (attempt,) = folder.attempts.iterdir()
    assert attempt.name.startswith(folder.place(PLANNED[5]).name)


def test_nothing_is_measured_again_where_a_verdict_stands(folder: RunFolder) -> None:
    """B is surely slower by the other five pairs."""
    slower = {"A": 50.0, "B": 100.0}
    assert kept(folder, PLANNED, lambda cell: slower[cell.side] + cell.round / 100, invalid=(1,)) == [True] * 12


def test_nothing_there(folder: RunFolder) -> None:
    assert kept(folder, [], unclear) == [False] * 12
