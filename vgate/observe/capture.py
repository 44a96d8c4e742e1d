"""What libraries and child processes print, as log lines.

vLLM's engine process writes to this process's stdout and stderr, tracebacks of 60 lines included. Both go through a
pipe here: each line becomes a line of the log, and the last error can be told in one line.
"""

import contextlib
import logging
import os
import re
import threading
from collections import deque
from types import TracebackType
from typing import IO, Self

# Not below "vllm": vLLM gives that logger a handler that prints, and its lines would come back here for ever.
logger = logging.getLogger("engine.output")

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_PREFIX = re.compile(r"^\([A-Za-z_]\w*(?: pid=\d+)?\)\s*")
_LEVEL = re.compile(r"^(DEBUG|INFO|WARNING|ERROR|CRITICAL) \d\d-\d\d \d\d:\d\d:\d\d (?:\[[^\]]+\] ?)?")
_ERROR = re.compile(r"^(?:[\w.]*\.)?[A-Z]\w*(?:Error|Exception|Exit|Interrupt): (?P<text>.+)")
_KEPT = 400


class OutputCapture:
    """Inside the `with`, file descriptors 1 and 2 are a pipe into the log. For the one main program of a process.

    `stdout` and `stderr` are the real ones. Lines of a traceback are logged at DEBUG. After it both descriptors are the
    real stderr: a thread that is still loading an engine may print, and stdout is for lines of the log alone.
    """

    def __enter__(self) -> Self:
        self.stdout: IO[str] = os.fdopen(os.dup(1), "w", encoding="utf-8")
        self.stderr: IO[str] = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8")
        self._lines: deque[str] = deque(maxlen=_KEPT)
        reading, writing = os.pipe()
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        os.close(writing)
        self._thread = threading.Thread(target=self._read, args=(reading,), daemon=True, name="output-capture")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.dup2(self.stderr.fileno(), 1)
        os.dup2(self.stderr.fileno(), 2)
        # A child that outlives us would keep the pipe open: do not wait for it.
        self._thread.join(timeout=0.5)

    def last_error(self) -> str | None:
        """The first error among the last lines printed, for it is the cause of those after it. None without one."""
        errors = [match["text"] for line in self._lines if (match := _ERROR.match(line))]
        return errors[0] if errors else None

    def _read(self, reading: int) -> None:
        with contextlib.suppress(OSError), os.fdopen(reading, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                self._tell(line.rstrip())

    def _tell(self, line: str) -> None:
        text = _PREFIX.sub("", _ANSI.sub("", line))
        found = _LEVEL.match(text)
        text = text[found.end() :] if found else text
        if text.strip():
            self._lines.append(text.strip())
            level = logging.getLevelNamesMapping()[found[1]] if found else logging.INFO
            logger.log(logging.DEBUG if level >= logging.ERROR else level, "%s", text.strip())
