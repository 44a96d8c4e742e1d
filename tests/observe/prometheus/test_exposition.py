"""The two formats of a scrape."""

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

from tests.observe.prometheus.scraping import finish, record, samples, streamed
from vgate.observe.prometheus import PrometheusObserver
from vgate.observe.prometheus.exposition import encoded

PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


def observer() -> PrometheusObserver:
    made = PrometheusObserver()
    finish(made, record(), streamed(), record(status=429))
    return made


@pytest.mark.parametrize("accept", ["", "*/*", "text/plain", "application/json", "text/plain;version=abc", ";;,,"])
def test_the_usual_format_unless_asked_otherwise(accept: str) -> None:
    body, content_type = observer().answer(accept)
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert samples(body.decode())


@pytest.mark.parametrize(
    "accept", ["application/openmetrics-text", PROMETHEUS_3, "Application/OpenMetrics-Text;version=x"]
)
def test_openmetrics_where_it_is_asked_for_with_the_same_numbers(accept: str) -> None:
    made = observer()
    body, content_type = made.answer(accept)
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    told = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in openmetrics(body.decode())
        for sample in family.samples
        if sample.name.startswith("vgate_") and not sample.name.endswith("_created")
    }
    assert told == samples(made.exposition().decode())
    assert body.endswith(b"# EOF\n")


def test_a_name_with_a_colon_is_one_name() -> None:
    """VLLM's are such."""
    registry = CollectorRegistry()
    Counter("vllm:tokens", "Tokens.", registry=registry).inc()
    body, _ = encoded(registry, "application/openmetrics-text")
    assert [family.name for family in openmetrics(body.decode())] == ["vllm:tokens"]
