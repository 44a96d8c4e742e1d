"""What happened within one second, or within several together, as counts."""

from collections import Counter
from dataclasses import dataclass, field

from vgate.observe.sketch import Sketch
from vgate.record import Record
from vgate.types import Batch, Ticket

# Batches of more are counted as this.
_LARGEST = 512
LENGTHS = ("ttft_s", "tpot_s", "e2e_s", "admission_wait_s")


@dataclass(slots=True)
class Use:
    """Of one API key: requests, those of them that failed, and tokens as the answers told them, cached or not."""

    requests: int = 0
    errors: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def add(self, record: Record, failed: bool) -> None:
        """One request more."""
        self.requests += 1
        self.errors += failed
        if record.usage:
            self.prompt_tokens += record.usage.prompt_tokens
            self.completion_tokens += record.usage.completion_tokens

    def include(self, other: "Use") -> None:
        """The other's counts too."""
        self.requests += other.requests
        self.errors += other.errors
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens


@dataclass(slots=True)
class Tally:
    """Counts of ended requests by status and by cache verdict, of batches by size, of use by key; and of lengths.

    second: of the event loop's time; broken: streams that ended with an error event; dropped: not admitted, by reason.
    """

    second: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    generated_tokens: int = 0
    caches: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    limiter: Counter[str] = field(default_factory=Counter)
    batch_sizes: Counter[int] = field(default_factory=Counter)
    lengths: dict[str, Sketch] = field(default_factory=lambda: {name: Sketch() for name in LENGTHS})
    keys: dict[str, Use] = field(default_factory=dict)

    def include(self, other: "Tally") -> None:
        """The other's counts too."""
        self.broken += other.broken
        self.generated_tokens += other.generated_tokens
        for name in ("statuses", "caches", "dropped", "limiter", "batch_sizes"):
            getattr(self, name).update(getattr(other, name))
        for name, sketch in other.lengths.items():
            self.lengths[name].include(sketch)
        for key, use in other.keys.items():
            self.keys.setdefault(key, Use()).include(use)

    def generation(self, ticket: Ticket) -> None:
        """One that has left."""
        if ticket.refused:
            self.dropped[ticket.refused] += 1
        if ticket.admitted is not None and ticket.queued is not None:
            self.lengths["admission_wait_s"].add(ticket.admitted - ticket.queued)
        if ticket.ttft_s is not None:
            self.lengths["ttft_s"].add(ticket.ttft_s)
        if ticket.tpot_s is not None:
            self.lengths["tpot_s"].add(ticket.tpot_s)

    def batch(self, batch: Batch) -> None:
        """One that is done."""
        self.batch_sizes[min(batch.size, _LARGEST)] += 1
        self.generated_tokens += batch.tokens

    def request(self, record: Record, failed: bool) -> None:
        """One that has ended."""
        self.statuses[record.status] += 1
        self.broken += failed and record.status < 400
        self.caches[record.verdict] += 1
        if not failed and not record.items and record.duration_s is not None:
            self.lengths["e2e_s"].add(record.duration_s)
        if record.caller:  # else it showed no key that is known
            self.keys.setdefault(record.caller, Use()).add(record, failed)
