"""The contract of an engine."""

from abc import abstractmethod
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

from vgate.engine.living import Living
from vgate.forms import Shape
from vgate.tracing.base import Export
from vgate.types import Call, Capacity, Job, Occupancy

if TYPE_CHECKING:
    from vgate.workers.pool import Pool


class Engine(Living):
    """Turns calls into answers.

    Life: `start`, any number of `prepare` and `run`, `stop`. An engine that has died ends what it runs with NotReady
    and is not `ready`, until `watch` has restarted it; its fingerprint is then the same.

    pool: of an engine that has other servers do the work, these.
    """

    pool: "Pool | None" = None

    def export_spans(self, export: Export | None) -> None:
        """Where to send spans of its own, in the traces that its calls are part of. Told before `start`."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """All that decides what a request is answered with, beside the request: model, revision, template, defaults."""

    @property
    @abstractmethod
    def sampling_defaults(self) -> dict[str, Any]:
        """Sampling parameters that hold for requests that leave them out."""

    @property
    def checks_elsewhere(self) -> bool:
        """Whether a bad call is refused by `run`, before its first byte, for it is checked where it is answered."""
        return False

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
    async def prepare(self, call: Call) -> Job:
        """Check a call without running it: fields, model, prompt length. Raises ApiError with a 4xx status.

        An engine that `checks_elsewhere` estimates the prompt's tokens, and leaves the rest to `run`.
        """

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
