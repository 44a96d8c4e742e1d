"""What can go wrong between V-Gate and a worker.

UpstreamError           any of these; `str(e)` says in words what happened, without the worker's address
  Unreachable           no connection could be opened: the worker has seen nothing of the request
  Lost                  the connection ended before the answer did
  Silent                nothing came for as long as was allowed; `phase` says for what
  Garbled               what came is not HTTP/1.1
"""


class UpstreamError(Exception):
    """A worker failed to answer."""


class Unreachable(UpstreamError):
    """No connection could be opened."""


class Lost(UpstreamError):
    """The connection ended too early. `begun`: some of the answer had come."""

    def __init__(self, message: str, *, begun: bool) -> None:
        super().__init__(message)
        self.begun = begun


class Silent(UpstreamError):
    """Nothing came for too long."""

    def __init__(self, phase: str, limit_s: float, key: str) -> None:
        super().__init__(f"no {phase} within {limit_s:g} s ({key})")
        self.phase = phase


class Garbled(UpstreamError):
    """Not HTTP/1.1."""
