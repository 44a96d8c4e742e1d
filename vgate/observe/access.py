"""A line of the log for each request and each batch."""

import hashlib
import logging
from collections.abc import Callable
from typing import Any

from vgate.config.schema import LoggingSettings
from vgate.observe.base import Observer
from vgate.observe.parts import parts_us
from vgate.record import Record
from vgate.types import Batch

logger = logging.getLogger("vgate.requests")

# Asked every few seconds by whoever watches the server.
_POLLED = frozenset({"/health", "/ready", "/metrics", "/stats"})
_LONGEST = 500


def is_sampled(name: str, share: float) -> bool:
    """Whether what is called so belongs to this share of all; the same for the same name, on every machine."""
    if share >= 1:
        return True
    drawn = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")
    return drawn < share * 2**64


class LogObserver(Observer):
    """Writes the share `access_sample` of requests that ended well, and of batches; what failed is always written.

    Requests that watch the server are told only at DEBUG. `settings` is asked each time, for they may be exchanged.
    """

    def __init__(self, settings: Callable[[], LoggingSettings]) -> None:
        self._settings = settings

    def batch_done(self, batch: Batch, now: float) -> None:
        if not logger.isEnabledFor(logging.INFO) or not is_sampled(f"batch {batch.id}", self._settings().access_sample):
            return
        fields = {
            "batch_id": batch.id,
            "prompts": batch.size,
            "tokens": batch.tokens,
            "dispatched_at": _rounded(batch.dispatched),
            "duration_s": _rounded(now - batch.dispatched),
        }
        logger.info("batch done", extra=fields)

    def finished(self, record: Record) -> None:
        level = logging.DEBUG if record.endpoint in _POLLED else logging.INFO
        failed = record.status >= 400 or record.error
        if not failed and not is_sampled(record.request_id, self._settings().access_sample):
            return
        if logger.isEnabledFor(level):
            logger.log(level, "request done", extra=_fields(record))


def _fields(record: Record) -> dict[str, Any]:
    """What a line says of a request: never its text."""
    usage = record.usage
    fields = {
        "request_id": record.request_id,
        "endpoint": record.endpoint,
        "method": record.method,
        "status": record.status,
        "key_name": None if record.caller in ("", "anonymous") else record.caller,
        "user": record.user,
        "stream": record.stream,
        "cache": record.cache or None,
        "cache_key": record.key.hex() if record.key else None,
        "batch_id": record.batch_id,
        "batch_size": record.batch_size,
        "items": record.items or None,
        "prompt_tokens": usage.prompt_tokens if usage else None,
        "tokens": usage.completion_tokens if usage else None,
        "wait_s": _rounded(record.admitted - record.arrived) if record.admitted is not None else None,
        "ttft_s": _rounded(record.ttft_s if record.stream else None),
        "tpot_s": _rounded(record.tpot_s),
        **_phases(record),
        "duration_s": _rounded(record.duration_s),
        "error": record.error[:_LONGEST] or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _phases(record: Record) -> dict[str, float]:
    """Seconds of each part, up to when the answer was there; of requests that came as far as asking a model."""
    end = record.finished if record.answered is None else record.answered
    if not record.call_id or end is None:
        return {}
    return {f"{name}_s": us / 1e6 for name, us in parts_us(record, end).items()}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
