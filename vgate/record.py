"""What is known of one request when it is over: the gateway's own stamps and its engine's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vgate.types import EngineSpan, Event, Usage, tpot

if TYPE_CHECKING:
    from vgate.tracing.base import Trace


@dataclass(slots=True, weakref_slot=True)
class Record:
    """One request as the gateway saw it. Stamps are the event loop's time in seconds; None: did not happen.

    Those of a generation are on the record of the request that started it, also of one whose client did not stay: they
    may come after `finished`.

    model:   what the request asks for, unchecked.
    choices: what the request's `n` says, unchecked.
    status:  HTTP status; 499 when the client left first.
    cache:   hit, miss, coalesced, partial(<cached>/<all>) or bypass(<reason>), as in `X-VGate-Cache`; "" for routes
             without a cache.
    key:     the cache's key of the request; None where it goes past the cache, and for embeddings, which have several.
    age_s:   how long ago a hit was stored; of several, the oldest.
    call_id: of the call that was made of it; "" when it did not come to that.
    followed: the record of the request whose generation this one has joined.
    source:  the call whose generation the answer is: its own, one that was joined, one whose answer was stored.
    queued, admitted, held_s: as on the `Ticket` of its own generation.
    generating: its own generation is under way: what the record says of it is not yet all.
    generated: that has entered the engine.
    parting: its answer ends the connection, for the server is about to end.
    timed:   whether its answer is to say where its time went, as `Server-Timing`.
    trace:   of which it is a part; None where nothing is traced.
    answered: the answer was there to its end, and only sending it was left.
    span:    what the engine tells of its own generation.
    items:   of an embedding request; `cached_items` came from the cache.
    code:    of the error that it was answered with, or that ended its stream; "" where there was none.
    spent:   prompt and output tokens so far of what was generated for it; 0 where that was done for others.
    when_over: called when its own generation is over, if that is still to come when it has finished.
    """

    request_id: str
    endpoint: str
    method: str
    arrived: float
    stream: bool = False
    choices: object = 1
    caller: str = ""
    user: str | None = None
    model: str | None = None
    cache: str = ""
    key: bytes | None = None
    age_s: float | None = None
    call_id: str = ""
    source: str = ""
    followed: Record | None = None
    batch_id: int | None = None
    batch_size: int | None = None
    queued: float | None = None
    admitted: float | None = None
    held_s: float = 0.0
    first_token: float | None = None
    last_token: float | None = None
    answered: float | None = None
    finished: float | None = None
    usage: Usage | None = None
    generating: bool = False
    generated: bool = False
    parting: bool = False
    timed: bool = False
    trace: Trace | None = None
    span: EngineSpan | None = None
    items: int = 0
    cached_items: int = 0
    spent: int = 0
    when_over: Callable[[], None] | None = None
    status: int = 0
    code: str = ""
    error: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def stamp(self, event: Event, now: float) -> None:
        """An event of its answer goes out."""
        if event.content:
            self.last_token = now
            self.first_token = now if self.first_token is None else self.first_token
        if event.usage:  # only in the last
            self.usage, self.answered = event.usage, now

    @property
    def verdict(self) -> str:
        """The word of `cache`; "" where it could never have been a hit, as where its engine refuses it (4xx)."""
        return "" if 400 <= self.status < 499 else self.cache.partition("(")[0]

    @property
    def duration_s(self) -> float | None:
        return None if self.finished is None else self.finished - self.arrived

    @property
    def ttft_s(self) -> float | None:
        """From arrival to the first event with content."""
        return None if self.first_token is None else self.first_token - self.arrived

    @property
    def tpot_s(self) -> float | None:
        """(last - first) / (N - 1) of a streamed answer; None below two tokens, and for several choices.

        Choices are made side by side, so that their tokens do not follow one another.
        """
        if not self.stream or self.choices != 1 or self.usage is None:
            return None
        return tpot(self.first_token, self.last_token, self.usage.completion_tokens)
