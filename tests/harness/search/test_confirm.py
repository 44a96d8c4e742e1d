from collections import Counter

import pytest

from vgate.config import compose
from vgate.config.bench_schema import BenchSettings
from vgate.harness.cells import Cell
from vgate.harness.metrics.goodput import Slo
from vgate.harness.search.confirm import FIRST_ROUND, confirm
from vgate.harness.search.telling import tell


def cell(name: str) -> Cell:
    composed = compose("bench", ["+preset=dry_run", f"batch={name}"], {})
    assert isinstance(composed.settings, BenchSettings)
    return Cell({"batch": name}, composed.container, composed.settings, 0)


BASE, GOOD, LUCKY = cell("passthrough"), cell("time_window"), cell("lockstep")
TRUTH = {"passthrough": 10.0, "time_window": 12.0, "lockstep": 10.0}


def measured(one: Cell) -> float | None:
    return TRUTH[one.axes["batch"]] + 0.1 * (one.round % 3) * (1 if one.axes["batch"] == "lockstep" else -1)


def test_only_fresh_rounds_count() -> None:
    """The lucky one led in the search."""
    first, second = confirm(BASE, [(LUCKY, 15.0), (GOOD, 12.5)], 4, measured)
    assert (first.label, first.better, second.better) == ("batch=time_window", True, False)
    assert first.interval is not None
    assert first.interval[0] < 2.0 < first.interval[1] or first.interval[0] == first.interval[1] == 2.0
    assert second.searched == 15.0


def test_rounds_are_interleaved_and_use_no_seed_of_the_search() -> None:
    asked: list[tuple[str, int]] = []

    def measure(one: Cell) -> float | None:
        asked.append((one.axes["batch"], one.round))
        return 1.0

    confirm(BASE, [(GOOD, 1.0)], 3, measure)
    assert [number - FIRST_ROUND for _, number in asked] == [0, 0, 1, 1, 2, 2]
    names = [name for name, _ in asked]
    assert names[:2] == names[3:1:-1] == names[4:]


def test_a_round_that_is_not_valid_for_both_takes_no_part() -> None:
    def measure(one: Cell) -> float | None:
        return None if one.round == FIRST_ROUND and one.axes["batch"] == "time_window" else measured(one)

    (found,) = confirm(BASE, [(GOOD, 12.5)], 3, measure)
    assert (found.rounds, found.interval, found.better) == (2, None, False)


@pytest.mark.parametrize(("breaks", "lost"), [("time_window", (1, 0)), ("passthrough", (0, 1))])
def test_more_than_a_fifth_of_the_rounds_left_out_confirm_nothing(breaks: str, lost: tuple[int, int]) -> None:
    def measure(one: Cell) -> float | None:
        return None if one.round == FIRST_ROUND and one.axes["batch"] == breaks else measured(one)

    (found,) = confirm(BASE, [(GOOD, 12.5)], 4, measure)
    assert found.interval is not None
    assert found.interval[0] > 0
    assert (found.lost, found.baseline_lost) == lost
    assert not found.decided
    assert not found.better
    told = tell([(GOOD, 12.5)], [found], Counter(), "goodput_per_s", Slo())
    assert (told.document["winner"], told.decided) == (None, False)
    assert told.lines[1].startswith(
        "batch=time_window: undecided. 1 of 4 fresh rounds were left out, more than 20%:"
        f" it FAILED or was INVALID in {lost[0]}, the baseline in {lost[1]}."
    )
    (enough,) = confirm(BASE, [(GOOD, 12.5)], 5, measure)
    assert enough.better
