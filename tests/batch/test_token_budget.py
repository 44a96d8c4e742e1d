import asyncio
import random

import pytest

from tests.admission import enter, open_ticket
from tests.calls import ask, ask_all, chat, leave
from tests.components import build
from tests.gateways import dry_run, gateway
from vgate.batch.lengths import ENOUGH, REMEMBERED_KEYS, Lengths
from vgate.batch.token_budget import TokenBudget
from vgate.types import Capacity, Job, Ticket


def budget(tokens: int | None = 100, **changes: object) -> TokenBudget:
    strategy: TokenBudget = build("batch", "token_budget", max_tokens_in_flight=tokens, **changes)
    return strategy


def arrive(strategy: TokenBudget, prompt: int, most: int) -> "asyncio.Task[Ticket]":
    return asyncio.create_task(enter(strategy, open_ticket(strategy), prompt_tokens=prompt, max_tokens=most))


def end(strategy: TokenBudget, ticket: Ticket, tokens: int) -> None:
    ticket.tokens, ticket.complete = tokens, True
    strategy.leave(ticket)


async def admitted(tasks: "list[asyncio.Task[Ticket]]") -> list[bool]:
    await asyncio.sleep(1)
    return [task.done() for task in tasks]


async def give_up(tasks: "list[asyncio.Task[Ticket]]") -> None:
    for task in tasks:
        await leave(task)


async def test_prompt_and_allowed_output_count_and_come_back() -> None:
    strategy = budget(100)
    tasks = [arrive(strategy, 10, 30) for _ in range(4)]
    assert await admitted(tasks) == [True, True, False, False]
    assert strategy.in_flight == 80
    end(strategy, tasks[0].result(), 30)
    assert await admitted(tasks) == [True, True, True, False]
    assert strategy.in_flight == 80
    await give_up(tasks)


async def test_null_is_the_room_of_the_engines_kv_cache_and_unknown_room_is_no_bound() -> None:
    for capacity, inside in ((Capacity(tokens=80), 2), (Capacity(), 4)):
        strategy = budget(None, capacity=capacity)
        tasks = [arrive(strategy, 10, 30) for _ in range(4)]
        assert sum(await admitted(tasks)) == inside
        await give_up(tasks)


async def test_one_larger_than_the_budget_goes_alone() -> None:
    strategy = budget(100)
    tasks = [arrive(strategy, *size) for size in ((10, 10), (500, 500), (10, 10), (10, 10))]
    assert await admitted(tasks) == [True, False, False, False]
    end(strategy, tasks[0].result(), 10)
    assert await admitted(tasks) == [True, True, False, False]
    end(strategy, tasks[1].result(), 10)
    assert await admitted(tasks) == [True] * 4


async def test_small_ones_do_not_go_before_a_large_one_that_does_not_fit_yet() -> None:
    strategy = budget(100)
    tasks = [arrive(strategy, *size) for size in ((10, 50), (10, 80), (1, 1))]
    assert await admitted(tasks) == [True, False, False]
    await leave(tasks[1])
    assert (await admitted(tasks))[2]


async def test_a_key_whose_answers_are_short_gets_more_in() -> None:
    """Allowed 90, made 9: after eight answers 10 + 9 tokens are reserved for each, so 5 fit."""
    strategy = budget(100)
    for _ in range(ENOUGH):
        end(strategy, await arrive(strategy, 10, 90), 9)
    tasks = [arrive(strategy, 10, 90) for _ in range(8)]
    assert sum(await admitted(tasks)) == 5
    assert strategy.in_flight == 5 * 19
    await give_up(tasks)


async def test_what_a_request_reserved_comes_back_whatever_has_been_learned_meanwhile() -> None:
    """Random stays, leaves at any point, lengths that change what is expected: nothing stays reserved at the end."""
    order, strategy, most = random.Random(3), budget(200), 0

    async def one() -> None:
        nonlocal most
        await asyncio.sleep(order.uniform(0, 20))
        allowed = order.randint(1, 80)
        ticket = await enter(strategy, open_ticket(strategy), prompt_tokens=order.randint(1, 20), max_tokens=allowed)
        most = max(most, strategy.in_flight)
        try:
            await asyncio.sleep(order.uniform(0, 2))
            ticket.tokens, ticket.complete = order.randint(0, allowed), True
        finally:
            strategy.leave(ticket)

    tasks = [asyncio.create_task(one()) for _ in range(400)]
    for task in order.sample(tasks, 100):
        asyncio.get_running_loop().call_later(order.uniform(0, 25), task.cancel)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (strategy.in_flight, strategy._reserved, strategy.waiting, strategy.running) == (0, {}, 0, 0)
    assert 150 < most <= 200


async def test_answers_that_were_broken_off_teach_nothing() -> None:
    strategy = budget(1000)
    for _ in range(ENOUGH):
        ticket = await arrive(strategy, 10, 90)
        ticket.tokens = 1
        strategy.leave(ticket)
    assert strategy._lengths.expected(Job(chat(), 10, None, 90)) == 90


async def test_B13_a_budget_of_the_whole_kv_cache_costs_no_throughput() -> None:
    """200 requests at once: to the virtual microsecond as fast as without a bound."""
    for strategy in ("passthrough", "token_budget"):
        begin = asyncio.get_running_loop().time()
        entry = gateway(await dry_run(), strategy)
        await ask_all(entry, [chat(str(number), max_tokens=1 + number % 40) for number in range(200)])
        took = asyncio.get_running_loop().time() - begin
        if strategy == "passthrough":
            expected = took
    assert took == pytest.approx(expected, abs=1e-6)


async def test_the_bound_holds_in_the_whole_path() -> None:
    engine = await dry_run()
    entry = gateway(engine, "token_budget", max_tokens_in_flight=60)
    watched = entry._batch
    assert isinstance(watched, TokenBudget)
    tasks = [asyncio.create_task(ask(entry, chat(str(number), max_tokens=10))) for number in range(50)]
    while not all(task.done() for task in tasks):
        assert watched.in_flight <= 60
        await asyncio.sleep(0.01)


def learned(caller: str, *counts: int, quantile: float = 0.9) -> Lengths:
    lengths = Lengths(quantile)
    for count in counts:
        lengths.learn(Job(chat(caller=caller), 1, None, 100), count)
    return lengths


def test_the_quantile_of_the_latest_answers_is_expected() -> None:
    lengths = learned("a", *range(1, 11))
    assert lengths.expected(Job(chat(caller="a"), 1, None, 1000)) == 90
    assert lengths.expected(Job(chat(caller="b"), 1, None, 1000)) == 1000


def test_old_answers_are_forgotten() -> None:
    lengths = learned("a", *[100] * 50, *[10] * 64)
    assert lengths.expected(Job(chat(caller="a"), 1, None, 100)) == 10


def test_state_is_bounded_in_keys() -> None:
    lengths = Lengths(0.9)
    for number in range(3 * REMEMBERED_KEYS):
        lengths.learn(Job(chat(caller=f"{number}"), 1, None, 100), 5)
    assert len(lengths._shares) == REMEMBERED_KEYS
