"""One server behind the gateway."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["ok", "failed", "busy", "left"]
OUTCOMES: tuple[Outcome, ...] = ("ok", "failed", "busy", "left")
# new: not asked yet; ready; down: health checks fail.
Health = Literal["new", "ready", "down"]


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """What is configured of a worker, or found by a source. Two specs with the same URL mean the same worker.

    url:             `http(s)://host[:port][/base]`, without `/v1` and without a slash at its end.
    name:            for logs and metrics, unique among the workers.
    authorization:   the header's whole value, `Bearer ...`; None: no header.
    weight:          its share of the requests, against the other workers' weights.
    max_concurrency: requests that it may be given at once; None: no bound.
    models:          the ones that it is asked for; None: whatever it says that it serves.
    """

    url: str
    name: str
    authorization: str | None = field(default=None, repr=False)
    weight: float = 1.0
    max_concurrency: int | None = None
    models: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """What a health check has found.

    ready:  it would answer a request now; alive is not enough.
    models: its objects of `/v1/models`; None: it does not tell.
    why:    why it is not ready, in a few words without secrets, for the log.
    """

    ready: bool
    models: tuple[Mapping[str, Any], ...] | None = None
    why: str = ""


class Worker:
    """A spec and how the worker is doing. Made and changed by the pool alone; routing and engine read it.

    weight:    its spec's, less while it is being warmed up; what routing goes by.
    in_flight: leases of it that are not done.
    told:      its objects of `/v1/models` as it last told them; None: it has told nothing yet.
    ended:     leases by outcome.
    leaving:   its source does not know it any more: it gets nothing new, and is forgotten when its last lease is done.
    """

    __slots__ = ("ended", "health", "in_flight", "leaving", "spec", "told", "weight")

    def __init__(self, spec: WorkerSpec) -> None:
        self.spec = spec
        self.weight = spec.weight
        self.in_flight = 0
        self.health: Health = "new"
        self.told: tuple[Mapping[str, Any], ...] | None = None
        self.ended: dict[Outcome, int] = dict.fromkeys(OUTCOMES, 0)
        self.leaving = False

    def __repr__(self) -> str:
        return f"<Worker {self.name} {self.url} {self.health} in_flight={self.in_flight}>"

    @property
    def url(self) -> str:
        return self.spec.url

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def authorization(self) -> str | None:
        """The header's value. Secret: not for logs, errors, or other servers."""
        return self.spec.authorization

    @property
    def max_concurrency(self) -> int | None:
        return self.spec.max_concurrency

    @property
    def models(self) -> frozenset[str] | None:
        """Names that it may be asked for; None: not known, so that any name may be tried."""
        if self.spec.models is not None or self.told is None:
            return self.spec.models
        return frozenset(str(model.get("id")) for model in self.told)

    @property
    def full(self) -> bool:
        """Whether it has as many requests as it may be given."""
        return self.max_concurrency is not None and self.in_flight >= self.max_concurrency
