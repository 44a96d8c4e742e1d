"""The contract of routing."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from vgate.routing.text import beginning
from vgate.types import Call
from vgate.workers.worker import Worker


class Hint:
    """What routing may know of a request.

    model: the name that it asks for; None: it names none.
    text:  makes the beginning of its prompt as bytes, at most so many as are asked for; only called when it is needed.
    """

    __slots__ = ("_text", "model")

    def __init__(self, model: str | None = None, text: Callable[[int], bytes] = lambda _most: b"") -> None:
        self.model = model
        self._text = text

    @classmethod
    def of(cls, call: Call) -> "Hint":
        """Of a call; costs nothing until the text is asked for."""
        model = call.body.get("model")
        return cls(model if isinstance(model, str) else None, lambda most: beginning(call.body, most))

    def text(self, most: int) -> bytes:
        """The first bytes of its prompt: equal for requests whose prompts begin alike, whatever else is in them."""
        return self._text(most)


class Routing(ABC):
    """Chooses among workers that can all be given a request. No I/O, no waiting; time linear in the candidates.

    What it goes by is `worker.weight` and `worker.in_flight`; the latter counts the request once it has been chosen.
    It is told of workers that come and go, and holds on to none that has left. Randomness comes from a seed, so that
    the same history gives the same choices.
    """

    @abstractmethod
    def choose(self, candidates: Sequence[Worker], hint: Hint) -> Worker:
        """One of them; there is at least one."""

    def arrived(self, worker: Worker) -> None:  # noqa: B027  most remember nothing
        """A worker is known from now on."""

    def left(self, worker: Worker) -> None:  # noqa: B027  see above
        """A worker is not known any more, and is no candidate until it has arrived again."""
