"""From what is configured of workers to what the pool takes."""

from collections.abc import Sequence

from vgate.config.elsewhere import from_environment, from_file
from vgate.config.workers_schema import Access, WorkerSettings
from vgate.workers.worker import WorkerSpec


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
    if access.key_file is not None:
        return f"Bearer {from_file(access.key_file)}"
    if access.key_env is not None:
        return f"Bearer {from_environment(access.key_env)}"
    return None if access.key is None else f"Bearer {access.key}"
