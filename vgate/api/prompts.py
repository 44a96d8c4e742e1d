"""Prompts and answers in the log, where `logging.prompts` asks for them."""

import contextlib
import logging
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import orjson

from vgate import sse
from vgate.config.schema import LoggingSettings
from vgate.observe.access import is_sampled
from vgate.record import Record
from vgate.types import Call, Event

logger = logging.getLogger("vgate.prompts")

# Characters of a prompt, and of an answer.
LONGEST = 2000
_ASKED = ("messages", "prompt", "input")


def warn(settings: LoggingSettings) -> None:
    """Say so where prompts will be logged: whoever reads the log reads what people have asked."""
    if settings.prompts:
        logger.warning("prompts and answers are logged (logging.prompts), up to %s characters of each", LONGEST)


def logged(
    events: AsyncGenerator[Event, None], call: Call, record: Record, settings: LoggingSettings
) -> AsyncGenerator[Event, None]:
    """The same events. A line says what was asked and answered when they end, if that is wanted of this request."""
    if settings.prompts and is_sampled(record.request_id, settings.access_sample):
        return _told(events, call, record)
    return events


async def _told(events: AsyncGenerator[Event, None], call: Call, record: Record) -> AsyncGenerator[Event, None]:
    said: list[str] = []
    length = 0
    try:
        async with contextlib.aclosing(events):
            async for event in events:
                if length < LONGEST and event.content:
                    said += _texts(event, call.stream)
                    length = sum(map(len, said))
                yield event
    finally:
        fields = {"request_id": record.request_id, "prompt": _asked(call.body), "answer": "".join(said)[:LONGEST]}
        logger.info("exchange", extra=fields)


def _asked(body: dict[str, Any]) -> str:
    return orjson.dumps({name: body[name] for name in _ASKED if name in body}).decode()[:LONGEST]


def _texts(event: Event, stream: bool) -> Iterator[str]:
    """The text of an event's choices. What is no text, such as tool calls and vectors, is left out."""
    answer = sse.decode(event.data) if stream else orjson.loads(event.data)
    for choice in answer.get("choices") or []:
        said = choice.get("delta") or choice.get("message") or {"content": choice.get("text")}
        if isinstance(said.get("content"), str):
            yield said["content"]
