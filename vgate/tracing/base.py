"""The contract of tracing."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from vgate.observe.base import Observer
from vgate.record import Record


class Export(NamedTuple):
    """Where spans go, for an engine that has some of its own. `timeout_s`: for one export."""

    endpoint: str
    protocol: str
    headers: Mapping[str, str]
    service_name: str
    timeout_s: float


@dataclass(slots=True)
class Trace:
    """One request's place in its trace.

    headers:   W3C trace context of its span, for whoever works on the request.
    recorded:  its trace's id where its span goes to the collector, else "".
    span:      the tracer's own.
    offset_ns: Unix time minus the event loop's, in nanoseconds.
    """

    headers: dict[str, str]
    recorded: str = ""
    span: Any = field(default=None, repr=False)
    offset_ns: int = 0


class Tracing(Observer, ABC):
    """Begins with each request to a model, and hears like any observer what becomes of it.

    A span never says what was asked or answered. Nothing here waits: exporting is another thread's work.
    """

    @abstractmethod
    def begin(self, record: Record, headers: Sequence[tuple[bytes, bytes]]) -> Trace | None:
        """A request has arrived with these headers, which may say of what trace it is part. None: it is not traced."""

    @property
    def export(self) -> Export | None:
        """Where spans go; None where there are none."""
        return None

    def counted_by(self, count: Callable[[str, str, Callable[[], int]], None]) -> None:
        """Have counters of its own read with the metrics: `count(name, help, value)`."""
        return

    async def close(self) -> None:
        """Export what is left, within a few seconds."""
        return
