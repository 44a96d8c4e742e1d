"""What workers say of the models that they serve, put together."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from vgate.workers.worker import Worker

# Of a model's object, what may decide an answer; `created` and vLLM's `permission` are other at each start.
FACTS = ("id", "root", "parent", "max_model_len", "revision", "quantization", "dtype", "fingerprint")


def models(workers: Iterable[Worker]) -> list[dict[str, Any]]:
    """Their objects of `/v1/models`, of each id one, sorted; of ids that are only configured, an object is made."""
    found: dict[str, dict[str, Any]] = {}
    for worker in workers:
        for model in _served(worker):
            found.setdefault(str(model["id"]), dict(model))
    return [found[name] for name in sorted(found)]


def fingerprint(workers: Iterable[Worker]) -> str:
    """The same for the same models, however many workers serve each; 16 hexadecimal digits of SHA-256."""
    told = {
        orjson.dumps({name: model[name] for name in FACTS if name in model}, option=orjson.OPT_SORT_KEYS)
        for worker in workers
        for model in _served(worker)
    }
    return hashlib.sha256(b"\n".join(sorted(told))).hexdigest()[:16]


def room(workers: Iterable[Worker]) -> int | None:
    """Requests that they may be given at once, all together; None: one of them any number, or there is none."""
    bounds = [worker.max_concurrency for worker in workers]
    known = [bound for bound in bounds if bound is not None]
    return sum(known) if known and len(known) == len(bounds) else None


def _served(worker: Worker) -> Iterator[Mapping[str, Any]]:
    told = {str(model["id"]): model for model in worker.told or ()}
    for name in sorted(worker.models or ()):
        yield told.get(name) or {"id": name, "object": "model", "created": 0, "owned_by": "upstream"}
