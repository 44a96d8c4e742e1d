"""The contract of security."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Admission:
    """A caller let in: the API key's name, and headers that tell its limits."""

    caller: str
    headers: dict[str, str] = field(default_factory=dict)


class Security(ABC):
    """Decides on each request from its path and `Authorization` header, before anything of its body is read."""

    @abstractmethod
    def admit(self, path: str, authorization: str | None) -> Admission:
        """Let the request in, or raise ApiError: 401 without a valid key, 429 over the limit.

        A refusal consumes nothing.
        """
