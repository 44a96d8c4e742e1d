import math
import random
from typing import Any

import pytest

from tests.components import build
from tests.routing.hints import given, prompt, worker, workers
from vgate.routing.base import Hint
from vgate.routing.prefix_affinity import PrefixAffinity
from vgate.workers.worker import Worker


def routing(**changes: Any) -> PrefixAffinity:
    made: PrefixAffinity = build("routing", "prefix_affinity", **changes)
    return made


def said(text: str) -> Hint:
    return Hint("m", lambda most: text.encode()[:most])


def homes(candidates: list[Worker], count: int = 1000) -> list[Worker]:
    """Where prompts that nobody has seen go, when all are idle."""
    choice = routing()
    return [choice.choose(candidates, prompt(f"{number} ")) for number in range(count)]


def test_a_prefix_stays_with_its_worker() -> None:
    """System prompts of 2 KiB, requests that come and go, few at once: each prompt is at one worker only."""
    choice, candidates, rng = routing(), workers(4), random.Random(1)
    where: dict[int, set[str]] = {}
    for _ in range(2000):
        number = rng.randrange(40)
        chosen = choice.choose(candidates, said(f"system {number:04} " * 170 + f"question {rng.random()}" * 9))
        where.setdefault(number, set()).add(chosen.name)
    assert all(len(names) == 1 for names in where.values())
    assert len({name for names in where.values() for name in names}) == 4


def test_conversations_behind_one_system_prompt_each_stay_where_they_are() -> None:
    """The prompt is in such demand that it is everywhere; what a conversation has said since is at one worker."""
    choice, candidates = routing(), workers(4)
    texts = ["system " * 200 + f"conversation {number} " * 80 for number in range(64)]
    first = given(choice, candidates, [said(text) for text in texts])
    assert len(set(first)) == 4
    for one in candidates:
        one.in_flight = 0
    second = [choice.choose(candidates, said(text + "and then " * 100)) for text in texts]
    assert second == first


def test_a_worker_that_comes_takes_its_share_and_no_other_prefix_moves() -> None:
    before = homes(workers(4))
    after = homes(workers(5))
    moved = [(a.name, b.name) for a, b in zip(before, after, strict=True) if a.name != b.name]
    assert all(to == "w4" for _, to in moved)
    assert 150 <= len(moved) <= 250


def test_a_worker_that_goes_leaves_its_own_to_all_others_and_no_other_prefix_moves() -> None:
    before, after = homes(workers(5)), homes(workers(5)[:4])
    moved = [(a.name, b.name) for a, b in zip(before, after, strict=True) if a.name != b.name]
    assert all(was == "w4" for was, _ in moved)
    assert {to for _, to in moved} == {"w0", "w1", "w2", "w3"}


def test_prefixes_that_are_known_do_not_move_to_a_worker_that_comes() -> None:
    choice, candidates = routing(), workers(4)
    hints = [prompt(f"{number} ") for number in range(200)]
    before = [choice.choose(candidates, hint) for hint in hints]
    assert [choice.choose([*candidates, worker(4)], hint) for hint in hints] == before


def test_heavier_workers_are_home_to_more() -> None:
    found = homes([worker(0, 1.0), worker(1, 3.0)], 2000)
    assert 0.22 <= sum(one.name == "w0" for one in found) / 2000 <= 0.28


def test_two_gateways_agree_though_they_have_seen_other_requests() -> None:
    one, other = routing(), routing()
    given(other, workers(4), [prompt(f"else {number} ") for number in range(50)])
    hints = [prompt(f"{number} ") for number in range(50)]
    assert [one.choose(workers(4), hint).name for hint in hints] == [
        other.choose(workers(4), hint).name for hint in hints
    ]


@pytest.mark.parametrize("load_factor", [1.1, 1.25, 2.0])
@pytest.mark.parametrize("slack", [0, 4])
def test_the_load_bound_is_never_exceeded(load_factor: float, slack: int) -> None:
    """Whatever is asked for, and in whatever order requests end."""
    choice, rng = routing(load_factor=load_factor, slack=slack), random.Random(9)
    candidates = [worker(number, rng.choice([1.0, 2.0, 4.0])) for number in range(7)]
    for _ in range(5000):
        hint = prompt(f"{int(rng.paretovariate(0.7)) % 50} ")
        chosen = choice.choose(candidates, hint)
        share = chosen.weight / sum(one.weight for one in candidates)
        most = math.ceil(load_factor * (sum(one.in_flight for one in candidates) + 1) * share)
        assert chosen.in_flight + 1 <= max(slack, most)
        chosen.in_flight += 1
        busy = [one for one in candidates if one.in_flight]
        if rng.random() < 0.48:
            rng.choice(busy).in_flight -= 1


def test_a_hot_prefix_spreads_to_no_more_workers_than_it_needs() -> None:
    """Others keep the fleet busy, so that a share of a tenth more finds room at a few."""
    choice, candidates = routing(), workers(10)
    for one in candidates:
        one.in_flight = 20
    hot = given(choice, candidates, [prompt("hot ")] * 20)
    assert 2 <= len(set(hot)) <= 5


def test_up_to_the_slack_an_idle_fleet_is_not_spread_over() -> None:
    assert len(set(given(routing(slack=4), workers(4), [prompt("hot ")] * 4))) == 1
    assert len(set(given(routing(slack=0), workers(4), [prompt("hot ")] * 4))) > 1


def test_short_prompts_go_to_the_least_loaded() -> None:
    candidates = workers(3)
    candidates[0].in_flight = candidates[2].in_flight = 2
    assert routing().choose(candidates, said("short")) is candidates[1]


def test_what_is_remembered_is_bounded() -> None:
    choice = routing(remembered=100, max_blocks=4)
    for number in range(1000):
        choice.choose(workers(2), prompt(f"{number} "))
    assert len(choice._sent) == 100
