"""The contract of security."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from vgate.errors import UnknownModel
from vgate.limits.base import Limits, Standing
from vgate.types import Call


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what for.

    name:        the API key's name; "anonymous" where no key was asked for.
    models:      those that it may use; None: all.
    cache_scope: whose cached answers and running generations it may share, its own included.
    priority:    of its requests that name none; they may not name a more urgent one. None: no bound.
    limits:      what it may use; None: without bound.
    """

    name: str
    models: frozenset[str] | None = None
    cache_scope: str | None = None
    priority: int | None = None
    limits: Limits | None = None

    def check_model(self, asked: object, served: str) -> None:
        """Raises ApiError for a model that is not for this caller, as for one that does not exist.

        `asked`: the request's `model`; `served`: which one it means if it names none.
        """
        model = served if asked is None else asked
        if self.models is not None and (not isinstance(model, str) or model not in self.models):
            raise UnknownModel(model)


ANONYMOUS = Caller("anonymous")


class Lease:
    """A request let in. `headers` tell its caller's limits as of that moment, what this request took deducted."""

    headers: Mapping[str, str] = {}

    async def settle(self, tokens: int | None) -> None:
        """The request has ended, having cost so many tokens; gives its slot back. To be called whatever happened.

        None: the slot is given back, but the work goes on for others; call again when it is known what it cost. Each is
        done once, further calls do nothing.
        """


class Security(ABC):
    """Decides who may ask, before anything of the body is read, and how much, before anything is done."""

    @abstractmethod
    async def identify(self, path: str, authorization: str | None) -> Caller:
        """Whose request it is. Raises ApiError: 401 without a valid key, 429 while too many come with wrong ones."""

    @abstractmethod
    async def enter(self, caller: Caller, tokens: int) -> Lease:
        """Let a request in that may cost so many tokens, as one atomic step, or raise ApiError: 429 over a limit.

        A refusal consumes nothing. 400 where it could never be let in, 503 where that cannot be known.
        """

    def weigh(self, caller: Caller, call: Call, context: int | None) -> int:
        """How many tokens a call may cost at most, by an estimate; 0 where the caller's are not limited.

        context: prompt and output tokens that the model takes at most, None if that is not known.
        """
        return 0

    async def headers(self, caller: Caller) -> dict[str, str]:
        """The headers of an answer for which nothing was taken: how the caller's limits stand."""
        return {}

    @property
    def limits(self) -> Mapping[str, Limits | None]:
        """What each key may use, by its name, in the order of the configuration. None: without bound."""
        return {}

    async def standing(self, name: str) -> Standing:
        """How the key of this name stands against its limits. Takes nothing."""
        return Standing()

    def adopt(self, old: "Security") -> None:
        """Take the place of another: what keys that are still there have used stays used."""
        return

    async def close(self) -> None:
        """Give back what is held outside this process. Returns when all leases are settled."""
        return
