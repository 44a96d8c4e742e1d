"""What holds of every routing, whichever option of `conf/routing` it is."""

import random
import time
from collections import Counter

import pytest
from hypothesis import given as given_any
from hypothesis import settings
from hypothesis import strategies as st

from tests.components import build, options
from tests.routing.hints import given, prompt, worker, workers
from tests.workers.rigs import NO_HINT
from vgate.routing.base import Hint
from vgate.workers.worker import Worker

every_routing = pytest.mark.parametrize("option", options("routing"))


def prompts(count: int) -> list[Hint]:
    return [prompt(f"prompt {number} ") for number in range(count)]


@every_routing
@pytest.mark.parametrize("hints", [prompts(400), [NO_HINT] * 400, [prompt("the same")] * 400], ids=["all", "no", "one"])
def test_equal_workers_get_equal_shares_of_what_is_in_flight(option: str, hints: list[Hint]) -> None:
    """None ends. 400 requests at four workers: 100 each, within what the option allows itself."""
    routing, candidates = build("routing", option), workers(4)
    given(routing, candidates, hints)
    most = 126 if option == "prefix_affinity" else 104
    assert max(one.in_flight for one in candidates) <= most


@every_routing
def test_weights_are_honoured(option: str) -> None:
    """1 : 2 : 5 of 800 requests in flight are 100, 200, 500."""
    routing, candidates = build("routing", option), [worker(0, 1.0), worker(1, 2.0), worker(2, 5.0)]
    given(routing, candidates, prompts(800))
    shares = [one.in_flight / (100 * one.weight) for one in candidates]
    assert all(0.75 <= share <= 1.26 for share in shares), shares


@every_routing
def test_who_takes_requests_longer_does_not_get_more_of_them(option: str) -> None:
    """Nine of ten end at once, but at one worker none: what is in flight there stays within bounds."""
    if option == "round_robin":
        return  # says that it takes no notice
    routing, candidates, rng = build("routing", option), workers(4), random.Random(5)
    for hint in prompts(2000):
        chosen = routing.choose(candidates, hint)
        chosen.in_flight += 1
        if chosen is not candidates[0] and rng.random() < 0.9:
            chosen.in_flight -= 1
    assert candidates[0].in_flight <= 1.3 * sum(one.in_flight for one in candidates) / 4 + 5


@every_routing
def test_only_candidates_are_chosen_whoever_has_been_one_before(option: str) -> None:
    routing, everybody, rng = build("routing", option), workers(6), random.Random(3)
    for one in everybody:
        routing.arrived(one)
    for hint in prompts(300):
        candidates = rng.sample(everybody, rng.randint(1, 6))
        assert routing.choose(candidates, hint) in candidates


@every_routing
def test_the_same_history_gives_the_same_choices(option: str) -> None:
    def names() -> list[str]:
        return [one.name for one in given(build("routing", option), workers(5), prompts(200))]

    assert names() == names()


@every_routing
def test_one_that_has_left_is_not_held_on_to(option: str) -> None:
    import gc
    import weakref

    routing, candidates = build("routing", option), workers(3)
    for one in candidates:
        routing.arrived(one)
    given(routing, candidates, prompts(50))
    gone = weakref.ref(candidates[0])
    routing.left(candidates[0])
    del candidates[0]
    gc.collect()
    assert gone() is None
    assert routing.choose(candidates, prompts(1)[0]) in candidates


@every_routing
def test_one_that_comes_back_from_being_full_gets_its_share_and_no_more(option: str) -> None:
    """A worker that was no candidate for long has saved nothing up: of the next 100 it does not get all."""
    routing, candidates = build("routing", option), workers(4)
    for hint in prompts(400):
        routing.choose(candidates[1:], hint)
    chosen = Counter(routing.choose(candidates, hint) for hint in prompts(500)[400:])
    assert chosen[candidates[0]] <= 50


@every_routing
def test_B12_choosing_costs_time_linear_in_the_workers(option: str) -> None:
    def cost_s(count: int) -> float:
        routing, candidates, hints = build("routing", option), workers(count), prompts(60)
        begin = time.process_time()
        for hint in hints:
            routing.choose(candidates, hint)
        return time.process_time() - begin

    few, many = (min(cost_s(count) for _ in range(5)) for count in (100, 1600))
    assert many < 4 * 16 * few


@every_routing
def test_any_weights_any_loads(option: str) -> None:
    @settings(max_examples=80)
    @given_any(st.lists(st.tuples(st.floats(0.01, 100), st.integers(0, 500)), min_size=1, max_size=8), st.text())
    def choose(fleet: list[tuple[float, int]], text: str) -> None:
        candidates: list[Worker] = []
        for number, (weight, in_flight) in enumerate(fleet):
            candidates.append(worker(number, weight))
            candidates[-1].in_flight = in_flight
        routing = build("routing", option)
        assert all(routing.choose(candidates, prompt(text)) in candidates for _ in range(3))

    choose()
