import asyncio

import pytest

from tests.admission import enter, open_ticket
from tests.batch.inside import Inside
from tests.components import build


@pytest.fixture
def inside() -> Inside:
    return Inside(build("batch", "time_window", max_batch_size=8, max_wait_time_ms=50.0))


async def test_ten_at_once_are_a_batch_of_eight_at_once_and_one_of_two_after_the_window(inside: Inside) -> None:
    await inside.all([1.0] * 10)
    assert inside.batches == [(0.0, 8), (pytest.approx(0.05), 2)]


async def test_batches_overlap_in_the_engine(inside: Inside) -> None:
    await inside.all([1.0] * 10)
    assert inside.overlaps == {frozenset({1, 2})}


async def test_B2_the_window_opens_with_its_first_request_and_takes_in_later_ones(inside: Inside) -> None:
    """Arrivals at 0, 20, 40 and 60 ms: three go at 50 ms, the last at 110 ms, 50 ms after its own arrival."""
    await asyncio.gather(*(inside.request(1.0, after_s) for after_s in (0, 0.02, 0.04, 0.06)))
    assert inside.batches == [(pytest.approx(0.05), 3), (pytest.approx(0.11), 1)]


async def test_a_batch_that_fills_up_goes_at_once(inside: Inside) -> None:
    await asyncio.gather(*(inside.request(1.0, 0.001 * number) for number in range(8)))
    assert inside.batches == [(pytest.approx(0.007), 8)]


async def test_B2_after_a_full_batch_the_next_window_counts_from_its_own_first_request(inside: Inside) -> None:
    await asyncio.gather(*(inside.request(1.0, 0.001 * number) for number in range(9)))
    assert inside.batches == [(pytest.approx(0.007), 8), (pytest.approx(0.058), 1)]


async def test_B2_the_oldest_leaving_gives_the_others_their_own_deadline(inside: Inside) -> None:
    first = asyncio.create_task(inside.request(1.0))
    second = asyncio.create_task(inside.request(1.0, after_s=0.04))
    await asyncio.sleep(0.045)
    first.cancel()
    await second
    assert inside.batches == [(pytest.approx(0.09), 1)]


async def test_a_window_of_nothing_waits_for_nobody(inside: Inside) -> None:
    inside.strategy = build("batch", "time_window", max_wait_time_ms=0.0)
    await inside.all([1.0] * 3)
    assert inside.batches == [(0.0, 1)] * 3


async def test_B6_who_left_in_the_very_turn_of_the_dispatch_is_not_in_the_batch() -> None:
    strategy = build("batch", "time_window", max_batch_size=2, max_wait_time_ms=50.0)
    left = asyncio.create_task(enter(strategy, open_ticket(strategy)))
    await asyncio.sleep(0.01)
    left.cancel()
    ticket = await enter(strategy, open_ticket(strategy))
    assert ticket.batch.size == 1
    await asyncio.gather(left, return_exceptions=True)
    assert strategy.waiting == 0
    assert strategy.leave(ticket)
