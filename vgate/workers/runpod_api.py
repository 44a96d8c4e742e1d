"""RunPod's public HTTP API, as far as pods are listed, started and stopped.

Written after its published description (docs.runpod.io/api-reference, API version 0.1.0 at `rest.runpod.io/v1`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Self

import httpx

API = "https://rest.runpod.io/v1"
_TIMEOUT_S = 30.0


class RunpodError(Exception):
    """What went wrong, in one line without the key."""


@dataclass(frozen=True)
class Pod:
    """One pod.

    status:    RUNNING, EXITED or TERMINATED, as it should be: a running one may still be loading its model.
    cost:      US dollars per hour while it runs; None: RunPod does not tell.
    volume_gb: of its own volume, which costs also while it is stopped; 0: it has none.
    ports:     "8000/http" or "22/tcp" each, as it has them inside.
    mapped:    inside port -> port of `ip`, for those that are TCP.
    """

    id: str
    name: str
    status: str
    cost: Decimal | None
    gpu: str
    volume_gb: int
    network_volume: bool
    ports: tuple[str, ...]
    ip: str
    mapped: Mapping[str, int]

    @property
    def running(self) -> bool:
        return self.status == "RUNNING"

    def url(self, port: int) -> str | None:
        """Where a port can be reached: through RunPod's proxy with TLS, else its public address, without; or not."""
        if f"{port}/http" in self.ports:
            return f"https://{self.id}-{port}.proxy.runpod.net"
        outside = self.mapped.get(str(port))
        return f"http://{self.ip}:{outside}" if self.ip and outside else None


class Runpod:
    """The API with one account's key, which is sent to `api` and shown nowhere."""

    def __init__(self, key: str, api: str = API) -> None:
        self._client = httpx.Client(
            base_url=api.rstrip("/"), headers={"authorization": f"Bearer {key}"}, timeout=_TIMEOUT_S
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def pods(self) -> list[Pod]:
        """All pods of the account, by name."""
        found = self._ask("GET", "/pods")
        if not isinstance(found, list):
            raise RunpodError("RunPod's list of pods is no list")
        return sorted((_pod(pod) for pod in found), key=lambda pod: (pod.name, pod.id))

    def start(self, pod_id: str) -> None:
        """Start or resume a pod: from now on it costs."""
        self._ask("POST", f"/pods/{pod_id}/start")

    def stop(self, pod_id: str) -> None:
        """Stop a pod: its GPU is given back, its volume stays and costs."""
        self._ask("POST", f"/pods/{pod_id}/stop")

    def _ask(self, method: str, path: str) -> Any:
        try:
            answer = self._client.request(method, path)
        except httpx.HTTPError as error:
            raise RunpodError(f"{method} {path}: {type(error).__name__}: {error}") from None
        if answer.status_code in {401, 403}:
            raise RunpodError(f"{method} {path}: RunPod refuses the API key ({answer.status_code})")
        if not answer.is_success:
            said = " ".join(answer.text.split())[:200]
            raise RunpodError(f"{method} {path}: RunPod answers {answer.status_code} {said}".rstrip())
        try:
            return answer.json() if answer.content else None
        except ValueError:
            raise RunpodError(f"{method} {path}: RunPod's answer is not JSON") from None


def _pod(given: Any) -> Pod:
    if not isinstance(given, dict) or not isinstance(given.get("id"), str):
        raise RunpodError("RunPod lists a pod without an id")
    gpu = given.get("gpu") or {}
    return Pod(
        id=given["id"],
        name=str(given.get("name") or given["id"]),
        status=str(given.get("desiredStatus") or "unknown"),
        cost=_cost(given),
        gpu=f"{gpu.get('count', 1)} x {gpu.get('displayName') or gpu.get('id') or 'GPU'}" if gpu else "",
        volume_gb=int(given.get("volumeInGb") or 0),
        network_volume=bool(given.get("networkVolumeId") or given.get("networkVolume")),
        ports=tuple(map(str, given.get("ports") or ())),
        ip=str(given.get("publicIp") or ""),
        mapped=given.get("portMappings") or {},
    )


def _cost(given: Mapping[str, Any]) -> Decimal | None:
    """What is paid, after savings plans; it comes as a number or as text."""
    for name in ("adjustedCostPerHr", "costPerHr"):
        try:
            return Decimal(str(given[name]))
        except (KeyError, InvalidOperation):
            continue
    return None
