"""Whether a worker is ready, asked over HTTP.

Ready, not just alive. The first of these paths that the worker knows decides, with 200 for ready:

    /ready      a V-Gate: 503 while it loads its model, and while it drains
    /health     vLLM: 200 only while its engine lives
    /v1/models  any other

`engine.health.path` names another one. Then `/v1/models` says which models it serves. One that refuses the key there
(401, 403) would refuse requests too and is not ready, and neither is one whose list is no list of models, as of a web
server that answers everything. Only where `engine.health.path` is set, or one of the first two is known, may a worker
have no `/v1/models`; it is then asked for whatever a client names.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import orjson

from vgate.workers.worker import Probe, Worker

PATHS = ("/ready", "/health")
MODELS = "/v1/models"
# What a server says that does not know a path, or not with GET.
_UNKNOWN = frozenset({404, 405, 501})

# Asks a worker for a path, with its key, and returns status and body; raises OSError or TimeoutError when there is no
# answer. The whole check is bounded from outside, by `engine.health.timeout_s`.
Get = Callable[[Worker, str], Awaitable[tuple[int, bytes]]]


class Prober:
    """Checks workers by `get`; `path` None: those above in turn, and from then on the one that each has known."""

    def __init__(self, get: Get, path: str | None) -> None:
        self._get = get
        self._path = path
        self._known: WeakKeyDictionary[Worker, str] = WeakKeyDictionary()

    async def __call__(self, worker: Worker) -> Probe:
        """One check. Raises what `get` raises, which counts as not ready."""
        found = await self._readiness(worker)
        if found is not None and not found.ready:
            return found
        status, body = await self._get(worker, MODELS)
        if status in _UNKNOWN and found is not None:
            return found
        if status != 200:
            return _not_ready(MODELS, status)
        models = _models(body)
        return Probe(False, why=f"{MODELS} is no list of models") if models is None else Probe(True, models)

    async def _readiness(self, worker: Worker) -> Probe | None:
        """None: there is no path that would tell."""
        known = self._known.get(worker)
        for path in (self._path,) if self._path else ((known,) if known else PATHS):
            status, _ = await self._get(worker, path)
            if status in _UNKNOWN and not self._path:
                self._known.pop(worker, None)
                continue
            self._known[worker] = path
            return Probe(True) if status == 200 else _not_ready(path, status)
        return None


def _not_ready(path: str, status: int) -> Probe:
    why = f"{path} answers {status}" + (", the key is refused" if status in {401, 403} else "")
    return Probe(False, why=why, sure=status in {401, 403, 503})


def _models(body: bytes) -> tuple[Mapping[str, Any], ...] | None:
    try:
        data = orjson.loads(body)["data"]
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError):
        return None
    if not isinstance(data, list) or not all(map(_is_model, data)):
        return None
    return tuple(data)


def _is_model(model: Any) -> bool:
    name = model.get("id") if isinstance(model, dict) else None
    return isinstance(name, str) and bool(name)
