"""What holds of every queue, whichever option of `conf/queue` it is."""

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.calls import ask, asked, chat
from tests.components import build, options
from tests.gateways import Heard, gateway
from tests.queue.tickets import pushed
from tests.scripted import Scripted, answer
from vgate.queue.base import Queue
from vgate.types import Capacity, Job, Ticket

every_queue = pytest.mark.parametrize("option", options("queue"))
CALLERS = ("a", "b", "c")


def priority(option: str, value: int) -> dict[str, Any]:
    """The field, where the queue reads it."""
    return {"priority": value} if option == "priority" else {}


@every_queue
async def test_what_is_pushed_comes_out_once_or_is_removed(option: str) -> None:
    queue = build("queue", option)
    tickets = [pushed(queue, number, CALLERS[number % 3], **priority(option, number % 5 - 2)) for number in range(60)]
    for ticket in tickets[::4]:
        queue.remove(ticket)
    assert len(queue) == 45
    out = [queue.pop(60.0) for _ in range(45)]
    assert len(queue) == 0
    assert set(out) == set(tickets) - set(tickets[::4])


@every_queue
async def test_peek_is_what_pop_takes_and_leaves_it_there(option: str) -> None:
    queue = build("queue", option)
    for number in range(20):
        pushed(queue, number, CALLERS[number % 3], **priority(option, -(number % 4)))
    while len(queue):
        assert queue.peek(30.0) is queue.peek(30.0) is queue.pop(30.0)


@every_queue
async def test_requests_that_are_alike_go_in_order_of_arrival(option: str) -> None:
    queue = build("queue", option)
    tickets = [pushed(queue, number * 0.01) for number in range(50)]
    assert [queue.pop(1.0) for _ in range(50)] == tickets


class Model:
    """A queue beside the plain set of who should be in it."""

    def __init__(self, option: str) -> None:
        self.option = option
        self.queue: Queue = build("queue", option)
        self.waiting: set[Ticket] = set()
        self.running: list[Ticket] = []
        self.now = 0.0

    def step(self, action: str, number: int) -> None:
        self.now += number * 0.1
        {"push": self.push, "pop": self.pop, "remove": self.remove, "end": self.end}[action](number)
        assert len(self.queue) == len(self.waiting)
        assert not self.waiting or self.queue.peek(self.now) in self.waiting

    def push(self, number: int) -> None:
        self.waiting.add(pushed(self.queue, self.now, CALLERS[number % 3], number, **priority(self.option, number - 4)))

    def pop(self, _: int) -> None:
        if self.waiting:
            ticket = self.queue.pop(self.now)
            self.waiting.remove(ticket)
            self.running.append(ticket)

    def remove(self, number: int) -> None:
        if self.waiting:
            ticket = sorted(self.waiting, key=lambda one: one.call.id)[number % len(self.waiting)]
            self.queue.remove(ticket)
            self.waiting.remove(ticket)

    def end(self, number: int) -> None:
        if self.running:
            ticket = self.running.pop(number % len(self.running))
            ticket.tokens, ticket.complete = number * 3, number % 2 == 0
            self.queue.served(ticket)


STEPS = st.lists(st.tuples(st.sampled_from(["push", "push", "pop", "remove", "end"]), st.integers(0, 8)), max_size=80)


@every_queue
def test_random_histories(option: str) -> None:
    @settings(max_examples=150)
    @given(STEPS)
    def follow(steps: list[tuple[str, int]]) -> None:
        async def run() -> None:
            model = Model(option)
            for action, number in steps:
                model.step(action, number)
            while model.waiting:
                model.pop(0)
            assert len(model.queue) == 0

        asyncio.run(run())

    follow()


@every_queue
def test_ten_thousand_may_wait_without_making_it_slow(option: str) -> None:
    """Push, peek, pop and remove grow slower than the queue: 16 times the length costs less than 64 times the time."""

    async def cost_s(count: int) -> float:
        queue = build("queue", option)
        begin = time.process_time()
        tickets = [pushed(queue, n, f"key {n % 997}", **priority(option, n * 7919 % 21 - 10)) for n in range(count)]
        for ticket in tickets[::3]:
            queue.remove(ticket)
        while len(queue):
            queue.peek(count)
            ticket = queue.pop(count)
            queue.served(ticket)
        return time.process_time() - begin

    small, large = (min(asyncio.run(cost_s(count)) for _ in range(3)) for count in (1_000, 16_000))
    assert large < 64 * small


@every_queue
async def test_a_client_that_left_before_its_turn_takes_none(option: str) -> None:
    """Its task has not run yet when its turn comes: the next one goes in its stead."""
    engine, heard = Scripted(lambda call: answer(call, 1, prefill_s=1.0)), Heard()
    entry = gateway(engine, observer=heard, queue=option, max_running=1)
    tasks = [asyncio.create_task(ask(entry, chat(str(number)))) for number in range(4)]
    asyncio.get_running_loop().call_at(1.0, tasks[1].cancel)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(engine.entered.values()) == [0, 1, 2]
    assert (heard.now_waiting, heard.now_running) == (0, 0)


@every_queue
@pytest.mark.parametrize("batch", options("batch"))
async def test_every_order_works_behind_every_strategy(option: str, batch: str) -> None:
    entry = gateway(
        Scripted(), batch, queue=option, capacity=Capacity(3, 1000), max_batch_size=4, max_wait_time_ms=20.0
    )
    calls = [chat(str(n), caller=CALLERS[n % 3], **priority(option, n % 7 - 3)) for n in range(40)]
    answers = await asyncio.gather(*(ask(entry, call) for call in calls))
    assert [one.text.split()[0] for one in answers] == [str(number) for number in range(40)]


@every_queue
async def test_S10_readers_that_stall_do_not_keep_places_from_others(option: str) -> None:
    """Where requests wait for those inside, an answer is made to its end whether or not it is read."""
    entry = gateway(Scripted(), queue=option, max_running=2)
    stalled = []
    for number in range(2):
        call = chat(f"stalls {number}", stream=True)
        stalled.append(entry.answer(call, asked(call).record))
        await anext(stalled[-1])
    assert (await ask(entry, chat("reads"))).text.startswith("reads")
    for events in stalled:
        await events.aclose()


@every_queue
async def test_B12_the_first_of_many_is_found_at_once(option: str) -> None:
    """100,000 wait. To pass over all that have gone, each time, would take some 10 s of the processor."""
    queue, call, job = build("queue", option), chat(), Job(chat(), 1)
    entered = asyncio.get_running_loop().create_future()
    for number in range(100_000):
        queue.push(Ticket(call, number, 0.0, entered, job, queued=0.0))
    before = time.process_time()
    assert [queue.pop(0.0).number for _ in range(100_000)] == list(range(100_000))
    assert time.process_time() - before < 4
