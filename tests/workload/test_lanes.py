import pytest

from vgate.workload.base import Slot
from vgate.workload.lanes import lane_of, start_of


def test_a_closed_loops_user_is_a_lane() -> None:
    assert lane_of(Slot(5, 3), lanes=2) == (5, 3)


def test_arrivals_go_round_the_lanes() -> None:
    assert [lane_of(Slot(None, number), lanes=3) for number in range(5)] == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1)]


@pytest.mark.parametrize("lanes", [2, 8, 50])
def test_lanes_start_far_apart(lanes: int) -> None:
    """No gap is less than a third of what an even spread would give."""
    starts = sorted(start_of(lane, 10_000) for lane in range(lanes))
    gaps = [b - a for a, b in zip(starts, [*starts[1:], starts[0] + 10_000], strict=True)]
    assert min(gaps) > 10_000 / lanes / 3
    assert starts[0] == 0
    assert starts[-1] < 10_000
