"""A dry-run server in virtual time whose spans stay in memory."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from tests.api.serving import serving
from vgate.api.service import Service
from vgate.tracing import otlp

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def parent(flags: str = "01") -> dict[str, str]:
    return {"traceparent": f"00-{TRACE}-{PARENT}-{flags}"}


class Spans:
    """What a service has exported."""

    def __init__(self, exporter: InMemorySpanExporter, service: Service) -> None:
        self._exporter = exporter
        self.service = service

    @property
    def all(self) -> list[ReadableSpan]:
        assert isinstance(self.service.tracing, otlp.OtlpTracing)
        self.service.tracing._spans.force_flush()
        return list(self._exporter.get_finished_spans())

    @property
    def servers(self) -> list[ReadableSpan]:
        return [span for span in self.all if span.kind is SpanKind.SERVER]

    def below(self, server: ReadableSpan) -> dict[str, ReadableSpan]:
        assert server.context
        return {span.name: span for span in self.all if span.parent and span.parent.span_id == server.context.span_id}


def seconds(span: ReadableSpan) -> float:
    assert span.end_time is not None
    assert span.start_time is not None
    return (span.end_time - span.start_time) / 1e9


@contextlib.asynccontextmanager
async def traced(monkeypatch: pytest.MonkeyPatch, *overrides: str) -> AsyncIterator[tuple[Spans, Any]]:
    exporter = InMemorySpanExporter()
    monkeypatch.setattr(otlp, "exporter", lambda *_: exporter)
    async with serving("tracing=otlp", *overrides) as (service, app):
        yield Spans(exporter, service), app
    assert isinstance(service.tracing, otlp.OtlpTracing)
    service.tracing._provider.shutdown()
