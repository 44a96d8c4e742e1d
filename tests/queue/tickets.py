"""Requests in a queue, without a strategy around it."""

import asyncio
from dataclasses import replace
from typing import Any

from tests.calls import chat
from vgate.queue.base import Queue
from vgate.types import Job, Ticket


def pushed(
    queue: Queue, at: float = 0.0, caller: str = "a", tokens: int = 8, of_key: int | None = None, **fields: Any
) -> Ticket:
    """A request that has just begun to wait; `of_key` is the priority that its API key has."""
    call = replace(chat(caller=caller, **fields), priority=of_key)
    ticket = Ticket(call, 0, at, asyncio.get_running_loop().create_future(), Job(call, 10, None, tokens), queued=at)
    queue.push(ticket)
    return ticket
