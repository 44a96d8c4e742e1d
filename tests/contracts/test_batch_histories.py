"""Every batch strategy under random histories of arrivals, leaves and cancellations."""

import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.admission import enter, open_ticket
from tests.components import build, options
from tests.contracts.test_batch import watched
from vgate.clock import VirtualLoop
from vgate.types import Ticket

SIZE, WAIT_S = 3, 0.1


class Histories(RuleBasedStateMachine):
    """Requests are tasks; `inside` are those that `enter` let in and that have not left."""

    def __init__(self, option: str) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.strategy: Any = watched(build("batch", option, max_batch_size=SIZE, max_wait_time_ms=WAIT_S * 1000))
        self.tasks: list[asyncio.Task[None]] = []
        self.inside: dict[int, Ticket] = {}
        self.entered: list[Ticket] = []

    async def _request(self, number: int) -> None:
        ticket = await enter(self.strategy, open_ticket(self.strategy))
        self.inside[number] = ticket
        self.entered.append(ticket)

    @rule(count=st.integers(1, 8))
    def arrive(self, count: int) -> None:
        for _ in range(count):
            self.tasks.append(self.loop.create_task(self._request(len(self.tasks))))

    @precondition(lambda self: self.inside)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        ticket = self.inside.pop(data.draw(st.sampled_from(sorted(self.inside))))
        self._in_loop(self._leave(ticket))

    async def _leave(self, ticket: Ticket) -> None:
        others = sum(ticket.batch is other.batch for other in self.inside.values())
        done = self.strategy.leave(ticket)
        assert done is (ticket.batch if others == 0 and ticket.batch.running == 0 else None)

    @precondition(lambda self: any(not task.done() for task in self.tasks))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        waiting = [number for number, task in enumerate(self.tasks) if not task.done()]
        self.tasks[data.draw(st.sampled_from(waiting))].cancel()

    @rule(turns=st.integers(1, 3))
    def turn(self, turns: int) -> None:
        for _ in range(turns):
            self._in_loop(asyncio.sleep(0))

    @rule(seconds=st.sampled_from([0.03, WAIT_S, 1.0]))
    def wait(self, seconds: float) -> None:
        self._in_loop(asyncio.sleep(seconds))

    def _in_loop(self, doing: Any) -> None:
        self.loop.run_until_complete(doing)

    @invariant()
    def batches_are_bounded(self) -> None:
        assert all(0 <= batch.running <= batch.size <= SIZE for batch in self.strategy.made)

    @invariant()
    def everybody_inside_holds_a_place(self) -> None:
        for batch in self.strategy.made:
            assert batch.running >= sum(batch is held.batch for held in self.inside.values())

    def teardown(self) -> None:
        """All leave: everybody still waiting gets in, and every place comes back."""
        for _ in range(len(self.tasks) + 1):
            while self.inside:
                self._in_loop(self._leave(self.inside.popitem()[1]))
            self.wait(WAIT_S)
        self._check_all_gone()
        self.loop.close()

    def _check_all_gone(self) -> None:
        for task in self.tasks:
            assert task.done(), "still waiting"
            with contextlib.suppress(asyncio.CancelledError):
                task.result()
        cancelled = sum(task.cancelled() for task in self.tasks)
        assert [batch.running for batch in self.strategy.made] == [0] * len(self.strategy.made)
        assert len(self.entered) == len(self.tasks) - cancelled
        assert 0 <= sum(batch.size for batch in self.strategy.made) - len(self.entered) <= cancelled


@pytest.mark.parametrize("option", options("batch"))
def test_random_histories(option: str) -> None:
    run_state_machine_as_test(lambda: Histories(option), settings=settings(max_examples=60, stateful_step_count=25))
