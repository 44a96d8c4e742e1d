from collections import Counter

from tests.components import build
from tests.routing.hints import worker, workers
from tests.workers.rigs import NO_HINT


def test_equal_workers_take_turns() -> None:
    routing, candidates = build("routing", "round_robin"), workers(3)
    names = [routing.choose(candidates, NO_HINT).name for _ in range(9)]
    assert names == ["w0", "w1", "w2"] * 3


def test_weights_are_exact_and_a_heavy_worker_does_not_get_its_requests_in_a_row() -> None:
    """The example of nginx: 5, 1, 1 is a a b a c a a."""
    routing, candidates = build("routing", "round_robin"), [worker(0, 5.0), worker(1), worker(2)]
    names = [routing.choose(candidates, NO_HINT).name for _ in range(70)]
    assert names[:7] == ["w0", "w0", "w1", "w0", "w2", "w0", "w0"]
    assert Counter(names) == {"w0": 50, "w1": 10, "w2": 10}
