"""Structured logs: one JSON object a line, written by a thread so that a slow reader never blocks the event loop."""

import json
import logging
import logging.handlers
import queue
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO, Any

import orjson
import structlog

from vgate.observe.base import Observer
from vgate.record import Record
from vgate.types import Batch

logger = logging.getLogger("vgate.requests")

# Asked every few seconds by whoever watches the server.
_POLLED = frozenset({"/health", "/ready", "/metrics", "/stats"})


def configure(level: str, json_format: bool, stream: IO[str]) -> Callable[[], None]:
    """Send the process's logging to `stream`; returns a function that writes out what is left and stops.

    Fields go in by `extra=`: `logger.info("batch done", extra={"batch_id": 7})`.
    """
    handler = _Lossy(stream)
    handler.setFormatter(_formatter(json_format))
    lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(lines, handler)
    listener.start()
    root = logging.getLogger()
    root.handlers = [_Unformatted(lines, handler)]
    root.setLevel(level)
    # Its start and stop lines say again what vgate.api.server says.
    logging.getLogger("uvicorn").setLevel("WARNING")
    return listener.stop


def change(level: str, *, json_format: bool) -> None:
    """Other values than `configure` was given, while it goes on. Without it there is nothing to change."""
    root = logging.getLogger()
    for front in root.handlers:
        if isinstance(front, _Unformatted):
            front.writer.setFormatter(_formatter(json_format))
            root.setLevel(level)


class _Lossy(logging.StreamHandler[IO[str]]):
    """A line that cannot be written is lost. What logging would print about it would come back through the capture."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's name
        return


class _Unformatted(logging.handlers.QueueHandler):
    """Leaves formatting, exceptions included, to the writing thread: it is the same process."""

    def __init__(self, lines: queue.SimpleQueue[Any], writer: logging.Handler) -> None:
        super().__init__(lines)
        self.writer = writer

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record


def _formatter(json_format: bool) -> logging.Formatter:
    shared: list[structlog.typing.Processor] = [
        _timestamp,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _without_strangers,
    ]
    last: list[structlog.typing.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if json_format:
        last += [
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(serializer=_json),
        ]
    else:
        last.append(structlog.dev.ConsoleRenderer(colors=False))
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last)


def _timestamp(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """UTC with milliseconds, of when the line was logged, not written."""
    created = event["_record"].created if "_record" in event else datetime.now(UTC).timestamp()
    stamp = datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"timestamp": stamp, **event}


def _without_strangers(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Leave out what libraries put on every record of the process: vLLM a process name, uvicorn a coloured message."""
    return {name: value for name, value in event.items() if name not in ("vllm_process_name", "color_message")}


def _json(event: Any, **_kwargs: Any) -> str:
    try:
        return orjson.dumps(event, default=str).decode()
    except TypeError:  # a number beyond 64 bits, half a surrogate pair: no reason to lose the line
        return json.dumps(event, default=str)


class LogObserver(Observer):
    """A line for each request and each batch; those that watch the server only at DEBUG."""

    def batch_done(self, batch: Batch, now: float) -> None:
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
        "ttft_s": _rounded(record.ttft_s),
        "tpot_s": _rounded(record.tpot_s),
        "duration_s": _rounded(record.duration_s),
        "error": record.error or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
