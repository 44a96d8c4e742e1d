import random

from tests.components import build
from tests.routing.hints import workers
from tests.workers.rigs import NO_HINT


def test_the_longest_queue_is_much_shorter_than_at_random() -> None:
    """10,000 requests at 100 workers: at random some worker has about 127 (mean 100), of two choices about 102."""
    routing, candidates = build("routing", "power_of_two"), workers(100)
    for _ in range(10_000):
        routing.choose(candidates, NO_HINT).in_flight += 1
    rng, by_chance = random.Random(0), [0] * 100
    for _ in range(10_000):
        by_chance[rng.randrange(100)] += 1
    assert max(one.in_flight for one in candidates) <= 105
    assert max(by_chance) > 115


def test_gateways_with_seeds_of_their_own_do_not_all_go_for_the_same_idle_worker() -> None:
    candidates = workers(10)
    first = {build("routing", "power_of_two", seed=seed).choose(candidates, NO_HINT) for seed in range(30)}
    assert len(first) >= 8
