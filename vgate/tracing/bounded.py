"""Spans on their way to the collector: so many at most, and those that do not arrive are counted."""

import logging
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

logger = logging.getLogger(__name__)

_BATCH = 256
_DELAY_MS = 500


class Bounded(SpanProcessor):
    """OpenTelemetry's batch processor, whose thread exports, behind a bound that counts what it turns away.

    Alone that one drops in silence. Each of the two counts has one thread that writes it.
    """

    def __init__(self, exporter: SpanExporter, limit: int) -> None:
        self._limit = limit
        self._taken = self._turned_away = 0
        self._sent = _Counting(exporter)
        self._batch = BatchSpanProcessor(self._sent, limit, _DELAY_MS, min(_BATCH, limit))

    @property
    def waiting(self) -> int:
        """Spans that have not been sent."""
        return self._taken - self._sent.done

    @property
    def dropped(self) -> int:
        """Spans that did not arrive: there was no room, or the collector did not take them."""
        return self._turned_away + self._sent.failed

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is None or not span.context.trace_flags.sampled:
            return
        if self.waiting >= self._limit:
            self._turned_away += 1
            return
        self._taken += 1
        self._batch.on_end(span)

    def shutdown(self) -> None:
        self._batch.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._batch.force_flush(timeout_millis)


class _Counting(SpanExporter):
    """Runs in the exporting thread."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self._well = True
        self.done = self.failed = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = SpanExportResult.FAILURE
        try:
            result = self._inner.export(spans)
        finally:
            self.done += len(spans)
            self._tell(result is SpanExportResult.SUCCESS, len(spans))
        return result

    def _tell(self, well: bool, count: int) -> None:
        if not well:
            self.failed += count
        if self._well and not well:
            logger.warning("the collector takes no spans (tracing.endpoint); they are dropped and counted")
        elif well and not self._well:
            logger.info("the collector takes spans again", extra={"dropped": self.failed})
        self._well = well

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True
