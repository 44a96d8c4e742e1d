"""No traces."""

from collections.abc import Sequence

from vgate.record import Record
from vgate.tracing.base import Trace, Tracing


class NoTracing(Tracing):
    """Costs nothing."""

    def begin(self, record: Record, headers: Sequence[tuple[bytes, bytes]]) -> Trace | None:
        return None
