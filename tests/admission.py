"""Going through a batch strategy the way the gateway does."""

from typing import Any

from tests.calls import chat
from vgate.batch.base import BatchStrategy
from vgate.types import Call, Job, Ticket


def open_ticket(strategy: BatchStrategy, call: Call | None = None) -> Ticket:
    """A request arrives."""
    return strategy.open(call or chat())


async def enter(strategy: BatchStrategy, ticket: Ticket, **size: Any) -> Ticket:
    """Wait for admission; whoever is cancelled meanwhile leaves. Returns the ticket, which is then in a batch."""
    try:
        await strategy.enter(ticket, Job(ticket.call, **{"prompt_tokens": 1, "max_tokens": 16} | size))
    except BaseException:
        strategy.leave(ticket)
        raise
    return ticket
