"""What can be known here of a call's stay at its worker."""

import asyncio
import re

from vgate import sse
from vgate.types import Call, EngineSpan

_COUNTS = {
    "prompt_tokens": re.compile(rb'"prompt_tokens": ?(\d+)'),
    "tokens": re.compile(rb'"completion_tokens": ?(\d+)'),
}
# Usage stands at the end of an answer.
_LAST_BYTES = 4096


class Marks:
    """Stamps a span as its events pass: the first and the last that say something, and what its worker has counted.

    When the worker has begun with it is not known, nor what it has read of the prompt. Until the worker counts, an
    event counts as a token.
    """

    def __init__(self, span: EngineSpan, call: Call) -> None:
        self._span = span
        self._roles = call.endpoint == "chat"
        self._loop = asyncio.get_running_loop()
        self._counted = 0
        span.tell = self._tell

    def note(self, event: bytes) -> None:
        """An event goes out."""
        if event == sse.DONE:
            return
        if self._span.first_token is None:
            if self._roles and b'"role"' in event:
                return
            self._span.first_token = self._loop.time()
        if b'"usage":{' in event or b'"usage": {' in event:
            count(self._span, event)
            self._counted = -1
            return
        self._span.last_token = self._loop.time()
        if self._counted >= 0:
            self._counted += 1

    def end(self) -> None:
        """There will be no more."""
        self._span.refresh()
        self._span.tell = None

    def _tell(self) -> None:
        if self._counted > 0:
            self._span.tokens = self._counted


def count(span: EngineSpan, body: bytes) -> None:
    """The worker's own counts, of a usage chunk or a whole answer."""
    for name, pattern in _COUNTS.items():
        found = pattern.findall(body, max(0, len(body) - _LAST_BYTES))
        if found:
            setattr(span, name, int(found[-1]))
