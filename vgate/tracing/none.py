"""No traces."""

import re
from collections.abc import Sequence

from vgate.record import Record
from vgate.tracing.base import Trace, Tracing

_PARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_STATE = re.compile(r"[\x20-\x7e]{1,512}")


class NoTracing(Tracing):
    """Makes no spans. A trace that a request is part of goes on behind V-Gate: its context is passed as it came."""

    def begin(self, record: Record, headers: Sequence[tuple[bytes, bytes]]) -> Trace | None:
        given = {name: value for name, value in headers if name in (b"traceparent", b"tracestate")}
        parent = given.get(b"traceparent", b"").decode("latin-1")
        if not given or not _PARENT.fullmatch(parent):
            return None
        state = given.get(b"tracestate", b"").decode("latin-1")
        return Trace({"traceparent": parent} | ({"tracestate": state} if _STATE.fullmatch(state) else {}))
