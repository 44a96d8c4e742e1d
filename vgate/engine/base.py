"""The contract of an engine."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from vgate.forms import Shape
from vgate.tracing.base import Export
from vgate.types import Call, Capacity, Job, Occupancy


class Engine(ABC):
    """Turns calls into answers.

    Life: `start`, any number of `prepare` and `run`, `stop`. An engine that has died ends what it runs with NotReady
    and is not `ready`, until `watch` has restarted it; its fingerprint is then the same.
    """

    @abstractmethod
    async def start(self) -> None:
        """Load what is needed; raises EngineStartError with the cause in one line."""

    @abstractmethod
    async def stop(self) -> None:
        """Free everything. May be called at any time, also twice."""

    async def watch(self) -> None:
        """Restart the engine each time it dies. Runs until stopped; raises EngineStartError when it gives up."""
        return

    @property
    def deaths(self) -> int:
        """How often it has died since it was made."""
        return 0

    @property
    def restarts(self) -> int:
        """How often it has come back."""
        return 0

    def export_spans(self, export: Export | None) -> None:  # noqa: B027  most engines have none
        """Where to send spans of its own, in the traces that its calls are part of. Told before `start`."""

    @property
    @abstractmethod
    def ready(self) -> bool:
        """Whether it can answer now."""

    @property
    def back_in_s(self) -> float | None:
        """Seconds until one that has died should be ready again. None: not known."""
        return None

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """All that decides what a request is answered with, beside the request: model, revision, template, defaults."""

    @property
    @abstractmethod
    def sampling_defaults(self) -> dict[str, Any]:
        """Sampling parameters that hold for requests that leave them out."""

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """By endpoint, how whole answers look. Only where they say the same as streamed ones: see `vgate.forms`."""
        return {}

    @property
    def capacity(self) -> Capacity:
        """What it can do at once, as far as it is known; nothing is before it has started."""
        return Capacity()

    @property
    def occupancy(self) -> Occupancy:
        """What is in it now, as far as it tells."""
        return Occupancy()

    @abstractmethod
    def models(self) -> list[dict[str, Any]]:
        """The served models as objects of `/v1/models`."""

    @abstractmethod
    async def prepare(self, call: Call) -> Job:
        """Check a call without running it: fields, model, prompt length. Raises ApiError with a 4xx status."""

    @abstractmethod
    def run(self, job: Job) -> AsyncGenerator[bytes, None]:
        """The answer: one JSON body, or SSE events that end with a usage chunk and `[DONE]`.

        Events that carry an id carry the call's. Raises ApiError; a streamed answer may also end with an error event.
        Closing the generator aborts the work. When it has ended, `job.span` holds what the engine tells of it; before,
        `job.span.refresh()` has it tell what it can.
        """

    async def reset(self) -> None:
        """Forget what earlier requests left behind (prefix cache), so that measurements start alike."""
        return
