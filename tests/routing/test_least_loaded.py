from tests.components import build
from tests.routing.hints import worker, workers
from tests.workers.rigs import NO_HINT


def test_the_one_with_the_fewest_in_flight_is_chosen() -> None:
    routing, candidates = build("routing", "least_loaded"), workers(3)
    for one, in_flight in zip(candidates, (3, 1, 2), strict=True):
        one.in_flight = in_flight
    assert routing.choose(candidates, NO_HINT) is candidates[1]


def test_the_new_request_counts_so_that_an_idle_small_worker_is_not_first() -> None:
    """With it the small one would have 1 / 0.1 = 10, the large one 5 / 1."""
    routing, large, small = build("routing", "least_loaded"), worker(0, 1.0), worker(1, 0.1)
    large.in_flight = 4
    assert routing.choose([small, large], NO_HINT) is large


def test_idle_workers_take_turns() -> None:
    routing, candidates = build("routing", "least_loaded"), workers(3)
    assert [routing.choose(candidates, NO_HINT).name for _ in range(6)] == ["w0", "w1", "w2"] * 2
