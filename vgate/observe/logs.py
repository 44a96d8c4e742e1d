"""Structured logs: one JSON object a line, written by a thread so that a slow reader never blocks the event loop.

Whatever a client puts into a field, it begins no line of its own: control characters are escaped, in text too.
"""

import json
import logging
import logging.handlers
import queue
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO, Any

import orjson
import structlog

# What may end a line or steer a terminal, and is not escaped in JSON by itself.
_ODD = re.compile(r"[\x7f-\x9f\u2028\u2029]")


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
    last: list[structlog.typing.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
    ]
    if json_format:
        last += [structlog.processors.EventRenamer("message"), structlog.processors.JSONRenderer(serializer=_json)]
    else:
        # Fields as Python literals: quoted, and their control characters escaped.
        last += [_one_line, structlog.dev.ConsoleRenderer(colors=False, repr_native_str=True)]
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
        line = orjson.dumps(event, default=str).decode()
    except TypeError:  # a number beyond 64 bits, half a surrogate pair: no reason to lose the line
        return json.dumps(event, default=str)
    return json.dumps(event, default=str) if _ODD.search(line) else line


def _one_line(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """The message on one line, and a traceback on lines that no other line of the log begins like."""
    told = {**event, "event": _escaped(str(event["event"]))}
    if event.get("exception"):
        lines = str(event["exception"]).split("\n")
        told["exception"] = "\n".join(f"    | {_escaped(line)}" for line in lines)
    return told


def _escaped(text: str) -> str:
    """With Python's escapes in place of characters that cannot be printed."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
