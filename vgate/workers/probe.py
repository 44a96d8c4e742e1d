"""Whether a worker is ready, asked over HTTP.

Ready, not just alive. The first of these paths that the worker knows decides, with 200 for ready:
`/ready` (a V-Gate: 503 while it loads its model and while it drains), `/health` (vLLM: 200 only while its engine
lives). `engine.health.path` names another one. Then `/v1/models` says which models it serves: one that refuses the key
there (401, 403) would refuse requests too and is not ready, and neither is one that serves nothing. A server that knows
none of these paths but answers is taken for ready.
"""

from collections.abc import Awaitable, Callable

from vgate.workers.worker import Probe, Worker

# Asks a worker for a path, with its key, and returns status and body; raises OSError or TimeoutError when there is no
# answer. The whole is bounded by `engine.health.timeout_s` from outside.
Get = Callable[[Worker, str], Awaitable[tuple[int, bytes]]]


class Prober:
    """Checks of workers by `get`; `path` None: those above in turn."""

    def __init__(self, get: Get, path: str | None) -> None:
        self._get = get
        self._path = path

    async def __call__(self, worker: Worker) -> Probe:
        """One check. Raises what `get` raises, which counts as not ready."""
        raise NotImplementedError
