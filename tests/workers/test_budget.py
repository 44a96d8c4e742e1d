import random

import pytest

from vgate.workers.budget import RetryBudget, RetryPolicy


def budget(share: float = 0.1, reserve: int = 10) -> RetryBudget:
    return RetryBudget(RetryPolicy(3, share, reserve))


def test_ten_requests_allow_one_retry() -> None:
    made = budget(reserve=0)
    for _ in range(9):
        made.put(1)
    assert not made.take()
    made.put(1)
    assert made.take()
    assert not made.take()
    assert (made.allowed, made.refused) == (1, 2)


def test_the_reserve_is_there_at_the_start_and_comes_back_with_traffic_alone() -> None:
    made = budget(reserve=3)
    assert [made.take() for _ in range(4)] == [True, True, True, False]
    for _ in range(100):
        made.put(0)
    assert [made.take() for _ in range(4)] == [True, True, True, False]


def test_as_many_as_are_in_flight_can_be_saved_up_for_when_a_worker_dies() -> None:
    made = budget(reserve=3)
    for _ in range(1000):
        made.put(50)
    assert sum(made.take() for _ in range(100)) == 50


def test_half_of_the_reserve_is_kept_from_what_can_be_spared() -> None:
    made = budget(reserve=10)
    assert [made.take_spare() for _ in range(6)] == [True] * 5 + [False]
    assert (made.allowed, made.refused) == (5, 0)
    assert [made.take() for _ in range(6)] == [True] * 5 + [False]
    assert (made.allowed, made.refused) == (10, 1)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.1])
@pytest.mark.parametrize("reserve", [0, 10])
def test_O9_retries_are_never_more_than_reserve_and_share(share: float, reserve: int) -> None:
    made, rng, requests = budget(share, reserve), random.Random(4), 0
    for _ in range(20_000):
        if rng.random() < 0.5:
            requests += 1
            made.put(rng.randrange(100))
        else:
            rng.choice([made.take, made.take_spare])()
        assert made.allowed <= reserve + share * requests + 1e-6


def test_a_tenth_ten_times_is_one_however_often() -> None:
    """Sums of 0.1 fall short of whole numbers by rounding."""
    made = budget(reserve=0)
    for _ in range(1000):
        for _ in range(10):
            made.put(5)
        assert made.take()
