"""What vLLM tells of its requests and of itself. Imports vLLM.

vLLM keeps statistics of each request (`RequestStateStats`) and counts them up in its metrics. Its engine's process
stamps with `time.monotonic`, on Linux one clock for all processes of a machine, and the event loop's here.
"""

import contextlib
import functools
import re
from collections.abc import Iterator
from typing import Any

from vllm.v1.engine.output_processor import OutputProcessor
from vllm.v1.metrics.loggers import StatLoggerBase

from vgate.types import EngineSpan, Job, Occupancy

# A call's id within vLLM's own: `chatcmpl-<id>`, `cmpl-<id>-0`, ...
_CALL_ID = re.compile(r"[0-9a-f]{32}")


class Followed(OutputProcessor):
    """vLLM's output processor, which hands out the statistics of the requests that it is told to follow.

    vLLM goes on writing into them until the request has ended; afterwards they are forgotten there.
    """

    def follow_calls(self) -> None:
        """Call it once; `__init__` was vLLM's."""
        # Call -> statistics and prompt length of each of its sequences.
        self._followed: dict[str, list[tuple[Any, int]]] = {}

    def add_request(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().add_request(request, *args, **kwargs)
        state = self.request_states.get(request.request_id)
        found = _CALL_ID.search(state.external_req_id) if state and state.stats else None
        if found and found[0] in self._followed:
            self._followed[found[0]].append((state.stats, state.prompt_len))

    @contextlib.contextmanager
    def following(self, job: Job) -> Iterator[None]:
        """Meanwhile, when asked, and at the end `job.span` tells what became of the call."""
        sequences: list[tuple[Any, int]] = []
        self._followed[job.call.id] = sequences
        job.span.tell = functools.partial(_tell, job.span, sequences)
        try:
            yield
        finally:
            del self._followed[job.call.id]
            job.span.refresh()
            job.span.tell = None


def _tell(span: EngineSpan, sequences: list[tuple[Any, int]]) -> None:
    if not sequences:
        return
    # vLLM's stamps are 0 for what has not happened.
    stats = [stats for stats, _ in sequences]
    span.queued = min((s.queued_ts for s in stats if s.queued_ts), default=None)
    span.scheduled = min((s.scheduled_ts for s in stats if s.scheduled_ts), default=None)
    span.first_token = min((s.first_token_ts for s in stats if s.first_token_ts), default=None)
    span.last_token = max((s.last_token_ts for s in stats if s.last_token_ts), default=None)
    span.prompt_tokens = sum(length for s, length in sequences if s.first_token_ts)
    span.tokens = sum(s.num_generation_tokens for s in stats)
    span.preemptions = sum(s.num_preemptions for s in stats)


class Latest(StatLoggerBase):
    """Keeps what the scheduler said last of itself: after each step."""

    def __init__(self, vllm_config: Any, engine_index: int = 0) -> None:
        self._stats: Any = None

    def record(self, scheduler_stats: Any, iteration_stats: Any, *args: Any, **kwargs: Any) -> None:
        self._stats = scheduler_stats or self._stats

    def log_engine_initialized(self) -> None:
        return

    @property
    def occupancy(self) -> Occupancy:
        stats = self._stats
        if stats is None:
            return Occupancy(0, 0, 0.0)
        waiting = stats.num_waiting_reqs + stats.num_skipped_waiting_reqs
        return Occupancy(stats.num_running_reqs, waiting, stats.kv_cache_usage)


class Watch:
    """Collects the `Latest` of an engine; pass `loggers` to AsyncLLM."""

    def __init__(self) -> None:
        self._latest: list[Latest] = []
        self.loggers = [self._logger]

    def _logger(self, vllm_config: Any, engine_index: int = 0) -> Latest:
        latest = Latest(vllm_config, engine_index)
        self._latest.append(latest)
        return latest

    @property
    def occupancy(self) -> Occupancy:
        """Of all schedulers together, the mean of their KV caches; nothing where vLLM keeps no statistics."""
        told = [latest.occupancy for latest in self._latest]
        if not told:
            return Occupancy()
        running, waiting, usage = zip(*told, strict=True)
        return Occupancy(sum(running), sum(waiting), sum(usage) / len(told))
