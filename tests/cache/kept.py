"""Answers to keep, and looking which are still there."""

from vgate.cache.base import Cache
from vgate.types import Answer, Event, Usage

ANSWER = Answer("1", (Event(b"a"),))


def answer(call_id: str, *texts: bytes) -> Answer:
    events = [Event(text, content=True) for text in texts]
    return Answer(call_id, (*events, Event(b"data: [DONE]\n\n", usage=Usage(1, len(texts)))))


async def keys_of(cache: Cache, *keys: bytes) -> set[bytes]:
    """Those of the keys that are there; not a use."""
    return {key for key in keys if await cache.entry(key) is not None}
