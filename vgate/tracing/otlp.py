"""OpenTelemetry: spans over OTLP/HTTP. Only this package imports it."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import vgate
from vgate.engine.loading import in_thread
from vgate.observe.parts import phases_us
from vgate.record import Record
from vgate.tracing.attributes import attributes
from vgate.tracing.base import Export, Trace, Tracing
from vgate.tracing.bounded import Bounded
from vgate.types import Ticket

logger = logging.getLogger(__name__)

_NAMES = frozenset({b"traceparent", b"tracestate"})


class OtlpTracing(Tracing):
    """A server span for each request to a model, which continues the trace that the request is part of.

    Below it the phases of the generation that answered it, `vgate.observe.parts` says which; they may end after it,
    where its client left and others stayed. A trace is recorded where its `traceparent` says so; of those that begin
    here the share `sample_ratio` is. Times are the event loop's, as Unix time.
    """

    def __init__(  # noqa: PLR0913, PLR0917  the keys of its section
        self,
        endpoint: str,
        protocol: str,
        headers: Mapping[str, str],
        sample_ratio: float,
        service_name: str,
        max_queue_spans: int,
        timeout_s: float,
    ) -> None:
        self._export = Export(endpoint, protocol, headers, service_name, timeout_s)
        self._timeout_s = timeout_s
        self._spans = Bounded(exporter(self._export), max_queue_spans)
        # At exit it would wait for a collector that does not answer; `close` waits for a while.
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(sample_ratio)),
            resource=Resource.create({"service.name": service_name, "service.version": vgate.__version__}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(self._spans)
        self._tracer = self._provider.get_tracer("vgate", vgate.__version__)
        self._context = TraceContextTextMapPropagator()
        self._unripe: dict[str, Record] = {}

    @property
    def export(self) -> Export:
        return self._export

    @property
    def dropped(self) -> int:
        """Spans that did not reach the collector."""
        return self._spans.dropped

    def counted_by(self, count: Callable[[str, str, Callable[[], int]], None]) -> None:
        help_text = "Spans that did not reach the collector: too many waited, or it did not take them."
        count("vgate_spans_dropped", help_text, lambda: self.dropped)

    def begin(self, record: Record, headers: Sequence[tuple[bytes, bytes]]) -> Trace:
        given = {name.decode(): value.decode("latin-1") for name, value in headers if name in _NAMES}
        parent = self._context.extract(given, Context())
        now = time.time_ns()
        name = f"{record.method} {record.endpoint}"
        span = self._tracer.start_span(name, parent, SpanKind.SERVER, start_time=now)
        context = span.get_span_context()
        carried: dict[str, str] = {}
        self._context.inject(carried, set_span_in_context(span, Context()))
        recorded = trace.format_trace_id(context.trace_id) if span.is_recording() else ""
        return Trace(carried, recorded, span, now - round(record.arrived * 1e9))

    def finished(self, record: Record) -> None:
        made = record.trace
        if made is None or not made.recorded:
            return
        finished = asyncio.get_running_loop().time() if record.finished is None else record.finished
        made.span.set_attributes(attributes(record))
        if record.status >= 500 or (record.error and record.status < 400):
            made.span.set_status(Status(StatusCode.ERROR, record.code))
        made.span.end(made.offset_ns + round(finished * 1e9))
        if record.generating:
            self._unripe[record.call_id] = record
        else:
            self._tell_phases(record, finished if record.answered is None else record.answered)

    def left(self, ticket: Ticket) -> None:
        record = self._unripe.pop(ticket.call.id, None)
        if record is not None:
            self._tell_phases(record, asyncio.get_running_loop().time())

    def _tell_phases(self, record: Record, end: float) -> None:
        made = record.trace
        assert made is not None  # it is recorded
        began, parent = made.offset_ns + round(record.arrived * 1e9), set_span_in_context(made.span, Context())
        for name, before, after in phases_us(record, end):
            if after > before:
                span = self._tracer.start_span(name, parent, start_time=began + before * 1000)
                span.end(began + after * 1000)

    async def close(self) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await in_thread(self._provider.shutdown, lambda _: None)
        except TimeoutError:
            logger.warning("spans not exported before the end", extra={"spans": self._spans.waiting})


def exporter(export: Export) -> SpanExporter:
    """To the collector. What it logs of each try is left out: `Bounded` says when the collector goes and comes back."""
    logging.getLogger("opentelemetry.exporter.otlp").setLevel(logging.CRITICAL)
    return OTLPSpanExporter(export.endpoint, headers=dict(export.headers), timeout=export.timeout_s)


def flush_engine(limit_s: float) -> None:
    """Export the spans of an engine in this process: vLLM has a provider of its own. Blocks, so long at most."""
    flush = getattr(trace.get_tracer_provider(), "force_flush", None)
    if flush is not None:
        thread = threading.Thread(target=flush, daemon=True, name="span-flush")
        thread.start()
        thread.join(limit_s)
