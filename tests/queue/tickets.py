"""Requests in a queue, without a strategy around it."""

import asyncio
from typing import Any

from tests.calls import chat
from vgate.queue.base import Queue
from vgate.types import Job, Ticket


def pushed(queue: Queue, at: float = 0.0, caller: str = "a", tokens: int = 8, **fields: Any) -> Ticket:
    """A request that has just begun to wait."""
    call = chat(caller=caller, **fields)
    ticket = Ticket(call, 0, at, asyncio.get_running_loop().create_future(), Job(call, 10, None, tokens), queued=at)
    queue.push(ticket)
    return ticket
