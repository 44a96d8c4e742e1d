"""One server behind the gateway."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["ok", "failed", "busy", "left"]
OUTCOMES: tuple[Outcome, ...] = ("ok", "failed", "busy", "left")
# new: not checked yet; ready; down: its checks fail.
Health = Literal["new", "ready", "down"]


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """What is configured of a worker, or found by a source. Two specs with the same URL mean the same worker.

    url:             `http(s)://host[:port][/base]`, without `/v1` and without a slash at its end.
    name:            for logs and metrics, unique among the workers.
    authorization:   the header's whole value, `Bearer ...`; None: no header.
    weight:          its share of the requests, against the other workers' weights.
    max_concurrency: requests that it may be given at once; None: no bound.
    models:          the only ones that it is asked for; None: whatever it says that it serves.
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
    sure:   it says itself that it is not ready: one such answer is enough.
    """

    ready: bool
    models: tuple[Mapping[str, Any], ...] | None = None
    why: str = ""
    sure: bool = False


class Worker:
    """A spec and how the worker is doing. Made and changed by the pool alone; routing and engine read it.

    weight:    its spec's, less while it is being warmed up; what routing goes by.
    in_flight: leases of it that are not done.
    models:    names that it may be asked for; None: not known yet, or not to be known.
    told:      its objects of `/v1/models` as it last told them; None: it has told nothing yet.
    ended:     leases by outcome.
    """

    __slots__ = ("__weakref__", "ended", "health", "in_flight", "models", "spec", "told", "weight")

    def __init__(self, spec: WorkerSpec) -> None:
        self.spec = spec
        self.weight = spec.weight
        self.in_flight = 0
        self.health: Health = "new"
        self.models = spec.models
        self.told: tuple[Mapping[str, Any], ...] | None = None
        self.ended: dict[Outcome, int] = dict.fromkeys(OUTCOMES, 0)

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
    def full(self) -> bool:
        """Whether it has as many requests as it may be given."""
        return self.spec.max_concurrency is not None and self.in_flight >= self.spec.max_concurrency

    def serves(self, model: str | None) -> bool:
        """Whether it may be asked for a model; None: whichever it has. One that has not told may be asked for any."""
        return model is None or self.models is None or model in self.models

    def learn(self, told: Sequence[Mapping[str, Any]]) -> None:
        """It has told its models."""
        self.told = tuple(told)
        self._know()

    def respecify(self, spec: WorkerSpec) -> None:
        """The same worker, configured otherwise."""
        self.spec = spec
        self.weight = spec.weight
        self._know()

    def _know(self) -> None:
        told = None if self.told is None else frozenset(str(model["id"]) for model in self.told)
        self.models = told if self.spec.models is None else self.spec.models
