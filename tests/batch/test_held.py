"""Of a wait, how much was for company and how much for room."""

import asyncio
from typing import Any

import pytest

from tests.admission import enter, open_ticket
from tests.components import build
from vgate.types import Ticket


async def stay(strategy: Any, after_s: float, stay_s: float) -> Ticket:
    """One request, from its arrival to its end."""
    await asyncio.sleep(after_s)
    ticket: Ticket = open_ticket(strategy)
    await enter(strategy, ticket)
    await asyncio.sleep(stay_s)
    strategy.leave(ticket)
    return ticket


def waited(ticket: Ticket) -> float:
    assert ticket.admitted is not None
    assert ticket.queued is not None
    return ticket.admitted - ticket.queued


async def test_a_window_holds_for_company() -> None:
    strategy = build("batch", "time_window", max_batch_size=8, max_wait_time_ms=50.0)
    first, second = await asyncio.gather(stay(strategy, 0, 1), stay(strategy, 0.02, 1))
    assert (first.held_s, second.held_s) == pytest.approx((0.05, 0.03))
    assert (waited(first), waited(second)) == pytest.approx((0.05, 0.03))


async def test_lockstep_holds_for_company_only_while_nobody_runs() -> None:
    """The first batch is full at once. The next waits a second for room; then its window is long over."""
    strategy = build("batch", "lockstep", max_batch_size=2, max_wait_time_ms=50.0)
    *_, third = await asyncio.gather(stay(strategy, 0, 1), stay(strategy, 0, 1), stay(strategy, 0.2, 1))
    assert waited(third) == pytest.approx(0.8)
    assert third.held_s == 0


async def test_a_wait_may_be_some_of_both() -> None:
    """30 ms for the batch before, then 20 ms of its window are left."""
    strategy = build("batch", "lockstep", max_batch_size=2, max_wait_time_ms=50.0)
    *_, third = await asyncio.gather(stay(strategy, 0, 0.1), stay(strategy, 0, 0.1), stay(strategy, 0.07, 1))
    assert waited(third) == pytest.approx(0.05)
    assert third.held_s == pytest.approx(0.02)


@pytest.mark.parametrize("option", ["passthrough", "token_budget", "adaptive", "time_window"])
async def test_waiting_for_room_is_not_waiting_for_company(option: str) -> None:
    strategy = build("batch", option, max_running=1, max_wait_time_ms=0.0)
    *_, second = await asyncio.gather(stay(strategy, 0, 1), stay(strategy, 0.1, 1))
    assert waited(second) == pytest.approx(0.9)
    assert second.held_s == 0


async def test_a_window_without_room_behind_it_is_waiting_for_room() -> None:
    strategy = build("batch", "time_window", max_batch_size=8, max_wait_time_ms=50.0, max_running=1)
    first, second = await asyncio.gather(stay(strategy, 0, 1), stay(strategy, 0.1, 1))
    assert first.held_s == pytest.approx(0.05)
    assert second.held_s == 0
    assert waited(second) == pytest.approx(0.95)


async def test_a_token_budget_is_room() -> None:
    strategy = build("batch", "token_budget", max_tokens_in_flight=20)
    *_, second = await asyncio.gather(stay(strategy, 0, 1), stay(strategy, 0.1, 1))
    assert waited(second) == pytest.approx(0.9)
    assert second.held_s == 0


async def test_who_leaves_while_it_waits_was_held_until_then() -> None:
    strategy = build("batch", "time_window", max_batch_size=8, max_wait_time_ms=50.0)
    ticket = open_ticket(strategy)
    waiting = asyncio.create_task(enter(strategy, ticket))
    await asyncio.sleep(0.02)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert ticket.held_s == pytest.approx(0.02)
    assert ticket.admitted is None
