import asyncio
import itertools
from collections import Counter

from tests.calls import ask, chat
from tests.components import build
from tests.gateways import gateway
from tests.queue.flood import hostile
from tests.queue.tickets import pushed
from tests.scripted import Scripted, answer
from vgate.gateway import Gateway
from vgate.queue.fair import REMEMBERED, Fair
from vgate.types import Ticket


def done(queue: Fair, ticket: Ticket, tokens: int) -> None:
    ticket.tokens, ticket.complete = tokens, True
    queue.served(ticket)


async def test_keys_take_turns_however_much_one_of_them_asks() -> None:
    queue = build("queue", "fair")
    for _ in range(100):
        pushed(queue, caller="flood")
    for _ in range(5):
        pushed(queue, caller="light")
    first = []
    for _ in range(10):
        first.append(queue.pop(0.0))
        done(queue, first[-1], 8)
    assert Counter(ticket.call.caller for ticket in first) == {"flood": 5, "light": 5}


async def test_tokens_count_not_requests() -> None:
    """One key's answers have 90 tokens, the other's 10; prompts have 10: five of the other's for each of the one's."""
    queue, served = build("queue", "fair"), Counter[str]()
    for _ in range(200):
        pushed(queue, caller="long", tokens=90)
        pushed(queue, caller="short", tokens=10)
    for _ in range(150):
        ticket = queue.pop(0.0)
        served[ticket.call.caller] += 1
        done(queue, ticket, ticket.job.max_tokens)
    assert abs(served["short"] - 5 * served["long"]) <= 5


async def test_what_was_generated_counts_not_what_was_allowed() -> None:
    """Both allow 1,000 tokens; one key's answers end after 10."""
    queue, tokens = build("queue", "fair"), Counter[str]()
    for _ in range(200):
        pushed(queue, caller="brief", tokens=1000)
        pushed(queue, caller="talkative", tokens=1000)
    for _ in range(200):
        ticket = queue.pop(0.0)
        count = 10 if ticket.call.caller == "brief" else 190
        tokens[ticket.call.caller] += 10 + count
        done(queue, ticket, count)
    assert abs(tokens["brief"] - tokens["talkative"]) <= 400


async def test_who_stayed_away_has_saved_nothing_up() -> None:
    """A key that comes when another has had 10,000 tokens gets its turn, not 10,000 tokens in a row."""
    queue = build("queue", "fair")
    for _ in range(100):
        pushed(queue, caller="old", tokens=90)
    for _ in range(50):
        done(queue, queue.pop(0.0), 90)
    for _ in range(50):
        pushed(queue, caller="new", tokens=90)
    turns = []
    for _ in range(20):
        ticket = queue.pop(0.0)
        turns.append(ticket.call.caller)
        done(queue, ticket, 90)
    assert Counter(turns) == {"old": 10, "new": 10}


async def test_a_debt_outlasts_a_short_absence() -> None:
    """Whoever sends in bursts does not begin each burst with a clean account."""
    queue = build("queue", "fair")
    pushed(queue, caller="bursts", tokens=1000)
    done(queue, queue.pop(0.0), 1000)
    pushed(queue, caller="steady")
    pushed(queue, caller="bursts")
    assert queue.pop(0.0).call.caller == "steady"


async def test_accounts_of_keys_that_are_gone_are_reclaimed() -> None:
    queue = build("queue", "fair")
    for number in range(3 * REMEMBERED):
        pushed(queue, caller=f"key {number}")
        done(queue, queue.pop(0.0), 8)
        queue.remove(pushed(queue, caller=f"left {number}"))
    assert len(queue._active) == 0
    assert len(queue._idle) == REMEMBERED
    assert (len(queue._charged), len(queue._turns), len(queue._order)) == (0, 0, 0)


async def test_nobody_starves_under_an_endless_stream_of_new_keys() -> None:
    """Each new key starts with the least counter, below that of who has had much: at most ageing_s + K / r."""
    engine = Scripted(lambda call: answer(call, 1, prefill_s=0.1))
    entry = gateway(engine, queue="fair", max_running=1, max_waiting=30, ageing_s=2.0)
    await indebted(entry)
    waited = await hostile(entry, engine, chat(caller="victim"), ({"caller": f"new {n}"} for n in itertools.count()))
    assert 2.0 <= waited < 2.0 + 30 * 0.1 + 0.2


async def test_without_ageing_it_would_wait_for_its_debt() -> None:
    engine = Scripted(lambda call: answer(call, 1, prefill_s=0.1))
    entry = gateway(engine, queue="fair", max_running=1, max_waiting=30, ageing_s=3600.0)
    await indebted(entry)
    keys = ({"caller": f"new {n}"} for n in itertools.count())
    waiting = asyncio.create_task(hostile(entry, engine, chat(caller="victim"), keys))
    assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], AssertionError)


async def indebted(entry: Gateway) -> None:
    """The victim has had 10,000 tokens."""
    await ask(entry, chat(caller="victim", stream=True))
    queue = entry._batch.queue
    assert isinstance(queue, Fair)
    queue._idle["victim"].served += 10_000


async def test_the_turn_of_ageing_is_one_turn_so_that_a_flood_gains_nothing_by_it() -> None:
    """All of a flood's requests have waited for longer than ageing_s: the light key still has every second turn."""
    queue = build("queue", "fair", ageing_s=1.0)
    for _ in range(100):
        pushed(queue, 0.0, caller="flood")
    now, light = 100.0, 0
    for _ in range(40):
        pushed(queue, now, caller="light")
        for _ in range(2):
            now += 0.01
            ticket = queue.pop(now)
            light += ticket.call.caller == "light"
            done(queue, ticket, 8)
    assert light >= 38
