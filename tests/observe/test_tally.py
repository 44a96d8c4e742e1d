"""Counts of a second add up to those of a minute."""

import asyncio
from typing import Any

from tests.calls import chat
from vgate.observe.tally import Tally, Use
from vgate.record import Record
from vgate.types import Batch, Ticket, Usage


def record(**fields: Any) -> Record:
    usual: dict[str, Any] = {"arrived": 10.0, "finished": 12.0, "status": 200, "caller": "ann", "cache": "miss"}
    return Record("r", "/v1/chat/completions", "POST", **(usual | fields))


def tally(*records: Record) -> Tally:
    made = Tally()
    for one in records:
        made.request(one, failed=one.status >= 400 or bool(one.error))
    return made


def test_seconds_add_up() -> None:
    records = [record(), record(status=429, caller="bob", cache=""), record(cache="partial(1/2)", usage=Usage(2, 3))]
    sizes = [Batch(1, 4, 0.0, 0, tokens=9), Batch(2, 4000, 0.0, 0, tokens=1)]
    parts = [tally(one) for one in records]
    whole = tally(*records)
    for batch in sizes:
        parts[0].batch(batch)
        whole.batch(batch)
    added = Tally()
    for part in parts:
        added.include(part)
    lengths, wanted = (
        {name: (sketch.n, sketch.counts) for name, sketch in one.lengths.items()} for one in (added, whole)
    )
    assert lengths == wanted
    assert (added.statuses, added.caches, added.keys) == (whole.statuses, whole.caches, whole.keys)
    assert (added.batch_sizes, added.generated_tokens) == ({4: 1, 512: 1}, 10)
    assert whole.keys == {"ann": Use(2, 0, 2, 3), "bob": Use(1, 1)}


def test_who_showed_no_known_key_has_no_use() -> None:
    assert tally(record(status=401, caller="")).keys == {}


def test_lengths_are_of_what_was_answered_well() -> None:
    records = [record(), record(status=500), record(error="broken"), record(items=3), record(cache="hit", finished=11)]
    made = tally(*records)
    assert made.lengths["e2e_s"].n == 2
    assert made.broken == 1


async def test_a_generation_tells_its_waits_and_its_tokens() -> None:
    ticket = Ticket(chat(stream=True), 1, 10.0, asyncio.get_running_loop().create_future())
    ticket.queued, ticket.admitted, ticket.first_token, ticket.last_token = 10.1, 10.4, 10.5, 11.5
    ticket.tokens, ticket.complete = 5, True
    made = Tally()
    made.generation(ticket)
    assert {name: sketch.n for name, sketch in made.lengths.items()} == {
        "ttft_s": 1, "tpot_s": 1, "e2e_s": 0, "admission_wait_s": 1,
    }  # fmt: skip
    refused = Ticket(chat(), 2, 10.0, asyncio.get_running_loop().create_future(), refused="deadline")
    made.generation(refused)
    assert made.dropped == {"deadline": 1}
    assert made.lengths["admission_wait_s"].n == 1
