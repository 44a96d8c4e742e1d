"""What travels along the request path."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Endpoint = Literal["chat", "completions", "embeddings"]


class Usage(NamedTuple):
    """Tokens as the engine counted them, summed over all choices."""

    prompt_tokens: int
    completion_tokens: int


class Event(NamedTuple):
    """One piece of an answer, in the order it goes to the client.

    data:    bytes to send: a whole SSE event, or the whole JSON body of an answer that is not streamed.
    content: whether it carries generated output; the first such event stamps TTFT.
    usage:   in the last event of an answer that ended well; None before.
    counts:  whether it is a stream's usage chunk, which goes only to clients that asked for it.
    """

    data: bytes
    content: bool = False
    usage: Usage | None = None
    counts: bool = False


@dataclass(frozen=True, slots=True)
class CacheControl:
    """What a client asks of the response cache, by `Cache-Control` and `X-VGate-Cache-TTL`.

    read:      whether its answer may come from there, or from another request in flight.
    store:     whether its answer may be kept there.
    max_age_s: answers stored longer ago are not for it.
    ttl_s:     how long its answer may be kept; the cache may keep it for a shorter time.
    """

    read: bool = True
    store: bool = True
    max_age_s: float | None = None
    ttl_s: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """What one client asked. `body` is the parsed JSON, never changed.

    id:            unique, made here; answers carry it as `chatcmpl-<id>` or `cmpl-<id>`.
    caller:        the API key's name; "anonymous" where no keys are asked for.
    deadline:      the event loop's time by which its answer must have begun; None: any time.
    cache_control: what its client asks of the cache.
    trace:         W3C trace context for whoever works on it, as headers.
    shares_as:     whose cached answers and running generations it may share; None: its caller's own.
    priority:      of a request that names none, and the most urgent that it may name; None: 0, and any.
    """

    id: str
    endpoint: Endpoint
    body: dict[str, Any]
    caller: str = "anonymous"
    deadline: float | None = None
    cache_control: CacheControl = CacheControl()
    trace: Mapping[str, str] | None = None
    shares_as: str | None = None
    priority: int | None = None

    @property
    def stream(self) -> bool:
        return self.body.get("stream") is True

    @property
    def wants_usage(self) -> bool:
        """Whether a streamed answer is to end with a usage chunk."""
        options = self.body.get("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer as one client received it; `id` is that of the call it was made for.

    age_s: how long ago it was stored; two answers are equal whatever their age.
    """

    id: str
    events: tuple[Event, ...]
    age_s: float = field(default=0.0, compare=False)


@dataclass(slots=True)
class EngineSpan:
    """One call's stay in its engine, as the engine tells it. Stamps are the event loop's time in seconds.

    None: it did not come to that, or the engine does not tell. The engine fills it in by the end of `run`, and before
    that as far as things have come whenever `refresh` is called.

    queued:        it came to the engine's own queue.
    scheduled:     its first step was planned; what it does after being preempted is part of what it was doing.
    first_token, last_token: made in the engine; of several choices the first and the last of all.
    prompt_tokens: as the engine counts them: once for each choice, and none before their first token.
    tokens:        made, also those that nobody waited for.
    preemptions:   how often it had to give its place in the KV cache to another.
    tell:          the engine's, while it runs: fills in what has happened.
    """

    queued: float | None = None
    scheduled: float | None = None
    first_token: float | None = None
    last_token: float | None = None
    prompt_tokens: int | None = None
    tokens: int | None = None
    preemptions: int | None = None
    tell: Callable[[], None] | None = field(default=None, compare=False, repr=False)

    def refresh(self) -> None:
        """Bring it up to date; at the end it is."""
        if self.tell is not None:
            self.tell()


@dataclass(frozen=True, slots=True)
class Job:
    """A call that its engine has checked and can run. `payload` is the engine's own, `span` what becomes of it there.

    max_tokens: the most that may be generated, summed over all choices.
    """

    call: Call
    prompt_tokens: int
    payload: Any = None
    max_tokens: int = 0
    span: EngineSpan = field(default_factory=EngineSpan, compare=False)


@dataclass(slots=True)
class Batch:
    """Requests that entered the engine together. Times are the event loop's, in seconds."""

    id: int
    size: int
    dispatched: float
    running: int
    tokens: int = 0


class Capacity(NamedTuple):
    """What an engine can do at once; None: not known, or without bound.

    sequences: answers in the making; more wait inside the engine.
    tokens:    prompt and output tokens of all of them, by the room of the KV cache.
    """

    sequences: int | None = None
    tokens: int | None = None


class Occupancy(NamedTuple):
    """What is in an engine now; None: not known.

    running:  sequences of which it makes tokens at once.
    waiting:  sequences in its own queue.
    kv_usage: share of the KV cache that is taken, 0 to 1.
    """

    running: int | None = None
    waiting: int | None = None
    kv_usage: float | None = None


@dataclass(slots=True)
class Due:
    """By when an answer must have begun, at the latest of those who wait for it; None: any time.

    missed: it was refused for that, so nobody more can wait for it.
    """

    latest: float | None
    missed: bool = False

    def extend(self, deadline: float | None) -> None:
        """One more waits, with a deadline of its own."""
        self.latest = None if self.latest is None or deadline is None else max(self.latest, deadline)


def tpot(first: float | None, last: float | None, tokens: int) -> float | None:
    """Time per output token, (last - first) / (N - 1), in seconds; None below two tokens."""
    return None if first is None or last is None or tokens < 2 else (last - first) / (tokens - 1)


@dataclass(eq=False, slots=True)
class Ticket:
    """A request's way through admission. Times are the event loop's, in seconds; None: did not happen.

    opened:   it arrived.
    queued:   its engine had checked it, and it began to wait.
    admitted: it entered the engine, as part of `batch`.
    held_s:   of the time from queued to admitted, so much it was held for company, though there was room.
    first:    the first event of its answer came.
    first_token, last_token: the first and the last event with content came.
    tokens:   generated so far.
    refused:  why it was dropped while it waited, in one word; "" when it was not.
    due:      the deadline of those who share the answer; None: the call's own holds.
    """

    call: Call
    number: int
    opened: float
    entered: asyncio.Future[Batch]
    job: Job | None = None
    batch: Batch | None = None
    queued: float | None = None
    admitted: float | None = None
    held_s: float = 0.0
    first: float | None = None
    first_token: float | None = None
    last_token: float | None = None
    tokens: int = 0
    complete: bool = False
    refused: str = ""
    due: Due | None = None

    @property
    def deadline(self) -> float | None:
        """By when the answer must have begun."""
        return self.call.deadline if self.due is None else self.due.latest

    @property
    def ttft_s(self) -> float | None:
        """From arrival to the first event with content, streamed."""
        return None if self.first_token is None or not self.call.stream else self.first_token - self.opened

    @property
    def tpot_s(self) -> float | None:
        """As `Record.tpot_s`, of an answer that is complete."""
        if not self.complete or not self.call.stream or self.call.body.get("n") not in (None, 1):
            return None
        return tpot(self.first_token, self.last_token, self.tokens)
