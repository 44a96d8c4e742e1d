"""From what is configured of workers to what the pool takes."""

import re
from collections.abc import Sequence

from vgate.config.elsewhere import from_environment, from_file
from vgate.config.workers_schema import Access, WorkerSettings
from vgate.workers.worker import WorkerSpec

# What follows a line end would be a header of its own.
_KEY = re.compile(r"[\x21-\x7e]+")


def specs_of(workers: Sequence[WorkerSettings]) -> list[WorkerSpec]:
    """Of a list that has been checked. Reads keys that lie in files or in the environment; raises ValueError."""
    return [spec_of(worker, worker.url, worker.shown_name) for worker in workers]


def spec_of(access: Access, url: str, name: str) -> WorkerSpec:
    """A worker that is asked like this. Raises ValueError when its key cannot be read."""
    return WorkerSpec(
        url,
        name,
        authorization_of(access),
        access.weight,
        access.max_concurrency,
        None if access.models is None else frozenset(access.models),
    )


def authorization_of(access: Access) -> str | None:
    """The header's value. Raises ValueError."""
    key = access.key
    if access.key_file is not None:
        key = from_file(access.key_file)
    if access.key_env is not None:
        key = from_environment(access.key_env)
    if key is not None and not _KEY.fullmatch(key):
        raise ValueError("a worker's key must be one word of printable ASCII characters")
    return None if key is None else f"Bearer {key}"
