"""In the place of the process in which Ray's code runs, for tests of the gateway's side without Ray."""

from typing import Any


class RayStand:
    """Answers as a cluster with one replica, at `url`. `silent`: what it raises instead."""

    def __init__(self, url: str, silent: Exception | None = None) -> None:
        self.calls: list[str] = []
        self._url, self._silent = url, silent

    async def ask(self, call: str) -> Any:
        """What Cluster's method of that name returns."""
        self.calls.append(call)
        if call == "replicas" and self._silent:
            raise self._silent
        return {"replicas": {"a": (self._url, "key")}, "running": True, "stop": []}.get(call)

    async def end(self) -> None:
        """As RayProcess does."""
        self.calls.append("end")
