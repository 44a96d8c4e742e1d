"""The contract of the admin port."""

from abc import ABC, abstractmethod


class Admin(ABC):
    """Where the admin routes are served over TCP, and to whom.

    address: host and port; None: nowhere.
    """

    address: tuple[str, int] | None = None

    @abstractmethod
    def check(self, authorization: str | None, now: float) -> None:
        """Raise ApiError unless the `Authorization` header, at loop time `now`, shows who may: 401, or 429."""
