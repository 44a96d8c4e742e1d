"""Spans that do not reach the collector are counted, and nobody waits for them."""

import logging
import threading
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from vgate.tracing.bounded import Bounded


class Collector(SpanExporter):
    """Takes spans, or refuses them, or keeps whoever sends them waiting until it is let go."""

    def __init__(self) -> None:
        self.taken = 0
        self.result = SpanExportResult.SUCCESS
        self.gate = threading.Event()
        self.gate.set()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.gate.wait(20)
        self.taken += len(spans) * (self.result is SpanExportResult.SUCCESS)
        return self.result


def make(collector: Collector, limit: int = 50) -> tuple[Bounded, TracerProvider]:
    bounded = Bounded(collector, limit)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(bounded)
    return bounded, provider


def end(provider: TracerProvider, count: int) -> None:
    for _ in range(count):
        provider.get_tracer("test").start_span("a").end()


def test_all_arrive_where_there_is_room() -> None:
    collector = Collector()
    bounded, provider = make(collector)
    end(provider, 40)
    provider.shutdown()
    assert (collector.taken, bounded.dropped, bounded.waiting) == (40, 0, 0)


def test_a_collector_that_hangs_costs_so_many_spans_and_no_more_memory() -> None:
    collector = Collector()
    collector.gate.clear()
    bounded, provider = make(collector)
    end(provider, 1000)
    assert (bounded.waiting, bounded.dropped) == (50, 950)
    collector.gate.set()
    provider.shutdown()
    assert (collector.taken, bounded.dropped, bounded.waiting) == (50, 950, 0)


def test_one_that_refuses_is_told_of_once_until_it_takes_them_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    collector = Collector()
    bounded, provider = make(collector)
    collector.result = SpanExportResult.FAILURE
    for _ in range(3):
        end(provider, 10)
        bounded.force_flush()
    assert bounded.dropped == 30
    collector.result = SpanExportResult.SUCCESS
    end(provider, 5)
    provider.shutdown()
    assert (collector.taken, bounded.dropped) == (5, 30)
    assert [line.levelname for line in caplog.records] == ["WARNING", "INFO"]


def test_one_that_raises_counts_as_one_that_refuses() -> None:
    class Broken(Collector):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            raise OSError("no")

    bounded, provider = make(Broken())
    end(provider, 10)
    provider.shutdown()
    assert (bounded.dropped, bounded.waiting) == (10, 0)
