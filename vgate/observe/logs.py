"""Structured logs: one JSON object a line, written by a thread so that a slow reader never blocks the event loop.

Whatever a client puts into a field, it begins no line of its own: control characters are escaped, in text too.
"""

import contextlib
import json
import logging
import logging.handlers
import queue
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO, Any

import orjson
import structlog

from vgate.engine.loading import LAST_LINES

logger = logging.getLogger(__name__)

# Lines that wait for who reads the log, about 2 KB each; further ones are lost, and counted.
MOST_WAITING = 20_000
# How long the end waits for whoever reads the log to take the rest.
_PATIENCE_S = 2.0
# What may end a line or steer a terminal, and is not escaped in JSON by itself.
_ODD = re.compile(r"[\x7f-\x9f\u2028\u2029]")
_GATHER_S = 0.02
_STRANGERS = frozenset({"vllm_process_name", "color_message", "_ray_timestamp_ns"})
_NOT_TOLD = _STRANGERS | vars(logging.makeLogRecord({})).keys() | {"message", "asctime"}


def configure(level: str, json_format: bool, stream: IO[str]) -> Callable[[], None]:
    """Send the process's logging to `stream`; returns a function that writes out what is left and stops.

    Where nobody reads, its thread waits for ever: `loading.leave` ends the process then.
    Fields go in by `extra=`: `logger.info("batch done", extra={"batch_id": 7})`.
    """
    lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
    handler = _Lossy(stream, lines)
    handler.setFormatter(_formatter(json_format))
    listener = _Gathering(lines, handler)
    listener.start()
    root = logging.getLogger()
    front = _Unformatted(lines, handler)
    root.handlers = [front]
    root.setLevel(level)
    # Its start and stop lines say again what vgate.api.server says.
    logging.getLogger("uvicorn").setLevel("WARNING")

    def end() -> None:
        listener.stop()
        handler.flush()

    def close() -> None:
        front.tell_lost()
        ending = threading.Thread(target=end, daemon=True, name=LAST_LINES)
        ending.start()
        ending.join(_PATIENCE_S)

    return close


def change(level: str, *, json_format: bool) -> None:
    """Other values than `configure` was given, while it goes on. Without it there is nothing to change."""
    root = logging.getLogger()
    for front in root.handlers:
        if isinstance(front, _Unformatted):
            front.writer.setFormatter(_formatter(json_format))
            root.setLevel(level)


class _Lossy(logging.StreamHandler[IO[str]]):
    """A line that cannot be written is lost. What logging would print about it would come back through the capture."""

    def __init__(self, stream: IO[str], lines: "queue.SimpleQueue[Any]") -> None:
        super().__init__(stream)
        self._lines = lines

    def flush(self) -> None:
        """With the last of the lines that are there."""
        if self._lines.empty():
            with contextlib.suppress(OSError, ValueError):  # as in emit
                super().flush()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's name
        return


class _Gathering(logging.handlers.QueueListener):
    """Writes the lines of some milliseconds together: to be woken for each costs the event loop more than the line."""

    queue: "queue.SimpleQueue[Any]"

    def dequeue(self, block: bool) -> Any:
        if not self.queue.empty():
            return self.queue.get(block)
        first = self.queue.get(block)
        time.sleep(_GATHER_S)
        return first


class _Unformatted(logging.handlers.QueueHandler):
    """Leaves formatting, exceptions included, to the writing thread: it is the same process.

    Where nobody reads, lines do not fill the memory. How many are missing is said in their place.
    """

    def __init__(self, lines: queue.SimpleQueue[Any], writer: logging.Handler) -> None:
        super().__init__(lines)
        self.writer = writer
        self._lines = lines
        self._lost = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        if self._lines.qsize() >= MOST_WAITING:
            self._lost += 1  # logging holds this handler's lock
            return
        self.tell_lost()
        self._lines.put(record)

    def tell_lost(self) -> None:
        """A line about those that were lost, if there were any."""
        lost, self._lost = self._lost, 0
        if lost:
            told = (logger.name, logging.WARNING, "", 0, "log lines lost", (), None)
            self._lines.put(logger.makeRecord(*told, extra={"lines": lost}))

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record


def _formatter(json_format: bool) -> logging.Formatter:
    return _Json() if json_format else structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_CONSOLE, processors=_LAST)


class _Json(logging.Formatter):
    """By hand, for what each request costs: structlog takes ten times as long for the same line.

    What libraries put on every record of the process is left out: vLLM a process name, uvicorn a coloured message.
    """

    def format(self, record: logging.LogRecord) -> str:
        fields = {name: value for name, value in vars(record).items() if name not in _NOT_TOLD}
        line = {"timestamp": _stamp(record.created), "level": record.levelname.lower(), "logger": record.name, **fields}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        return _json({**line, "message": record.getMessage()})


def _timestamp(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """UTC with milliseconds, of when the line was logged, not written."""
    created = event["_record"].created if "_record" in event else datetime.now(UTC).timestamp()
    return {"timestamp": _stamp(created), **event}


def _without_strangers(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Leave out what libraries put on every record of the process: vLLM a process name, uvicorn a coloured message."""
    return {name: value for name, value in event.items() if name not in _STRANGERS}


def _stamp(created: float) -> str:
    """UTC with milliseconds."""
    return datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(event: Any) -> str:
    try:
        line = orjson.dumps(event, default=str).decode()
    except TypeError:  # a number beyond 64 bits, half a surrogate pair: no reason to lose the line
        return json.dumps(event, default=str)
    if line.isascii() and "\x7f" not in line:  # most are, and to search is half the work
        return line
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


_CONSOLE: list[structlog.typing.Processor] = [
    _timestamp,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    _without_strangers,
]
_LAST: list[structlog.typing.Processor] = [
    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
    structlog.processors.format_exc_info,
    _one_line,
    # Fields as Python literals: quoted, and their control characters escaped.
    structlog.dev.ConsoleRenderer(colors=False, repr_native_str=True),
]
