"""Metrics as text for a scrape, and as JSON."""

from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import ALLOWUTF8
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

TEXT = "text/plain; version=0.0.4; charset=utf-8"


def encoded(metrics: Collector, accept: str) -> tuple[bytes, str]:
    """The text, and its content type: OpenMetrics where `accept` names it, else Prometheus's own format.

    Not prometheus_client's `choose_encoder`: what a client writes for a version is not for its parser.
    """
    wanted = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    if "application/openmetrics-text" in wanted:
        # Names as they are: the default writes vllm: and vllm_ for one and the same metric.
        return generate_openmetrics(metrics, escaping=ALLOWUTF8), OPENMETRICS  # type: ignore[no-untyped-call]
    return generate_latest(metrics), TEXT


def as_json(registry: CollectorRegistry) -> dict[str, Any]:
    """Counters and gauges as numbers, histograms as count, sum and mean; with labels, a list of them."""
    result: dict[str, Any] = {}
    for metric in registry.collect():
        samples = [s for s in metric.samples if not s.name.endswith(("_bucket", "_created"))]
        if metric.type == "histogram":
            result[metric.name] = _histograms(samples)
        elif samples and samples[0].labels:
            result[samples[0].name] = [{**s.labels, "value": s.value} for s in samples]
        else:
            result.update({s.name: s.value for s in samples})
    return result


def _histograms(samples: list[Any]) -> Any:
    """One summary, or one for each set of labels."""
    by_labels: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    for sample in samples:
        kind = sample.name.rsplit("_", 1)[1]
        by_labels.setdefault(tuple(sorted(sample.labels.items())), {})[kind] = sample.value
    rows = [
        {**dict(labels), **found, "mean": found["sum"] / found["count"] if found["count"] else None}
        for labels, found in by_labels.items()
    ]
    return rows[0] if len(rows) == 1 and () in by_labels else rows
