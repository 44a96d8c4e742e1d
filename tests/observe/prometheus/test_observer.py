"""Metrics: what a scrape says after known requests."""

import itertools
from typing import Any

import pytest

from tests.components import build
from tests.gateways import dry_run
from tests.observe.prometheus.scraping import CHAT, Samples, finish, left, record, scrape, streamed, value
from vgate.observe.base import Observer
from vgate.observe.prometheus import PrometheusObserver
from vgate.observe.prometheus.batches import BatchMetrics
from vgate.observe.prometheus.buckets import SECONDS
from vgate.observe.prometheus.cache import CacheMetrics
from vgate.observe.prometheus.embeddings import EmbeddingMetrics
from vgate.observe.prometheus.generations import GenerationMetrics
from vgate.observe.prometheus.operations import OperationMetrics
from vgate.observe.prometheus.requests import RequestMetrics
from vgate.types import Batch


def test_requests_are_counted_by_endpoint_method_and_status() -> None:
    observer = PrometheusObserver()
    finish(observer, record(), record(), record(status=429), record(endpoint="/health", method="GET"))
    assert value(observer, "vgate_requests_total", endpoint=CHAT, method="POST", status="200") == 2
    assert value(observer, "vgate_requests_total", endpoint=CHAT, method="POST", status="429") == 1
    assert value(observer, "vgate_requests_total", endpoint="/health", method="GET", status="200") == 1


def test_latency_counts_from_arrival_to_the_last_byte() -> None:
    observer = PrometheusObserver()
    finish(observer, record(), record(finished=10.25))
    assert value(observer, "vgate_request_latency_seconds_sum", endpoint=CHAT) == 2.25
    assert value(observer, "vgate_request_latency_seconds_bucket", endpoint=CHAT, le="1.0") == 1
    assert value(observer, "vgate_request_latency_seconds_bucket", endpoint=CHAT, le="+Inf") == 2


def test_S11_ttft_and_tpot_are_those_of_the_generation() -> None:
    """TTFT 0.5 s; four more tokens in 1 s."""
    observer = left()
    assert (value(observer, "vgate_ttft_seconds_sum"), value(observer, "vgate_ttft_seconds_count")) == (0.5, 1)
    assert (value(observer, "vgate_tpot_seconds_sum"), value(observer, "vgate_tpot_seconds_count")) == (0.25, 1)


@pytest.mark.parametrize(
    ("fields", "ttft", "tpot"),
    [
        ({"stream": False}, 0, 0),
        ({"first_token": None, "last_token": None, "complete": False}, 0, 0),
        ({"complete": False}, 1, 0),
        ({"tokens": 1}, 1, 0),
    ],
    ids=["whole", "left before the first token", "left midway", "one token"],
)
def test_what_was_not_seen_is_not_measured(fields: dict[str, Any], ttft: int, tpot: int) -> None:
    observer = left(**fields)
    assert value(observer, "vgate_ttft_seconds_count") == ttft
    assert value(observer, "vgate_tpot_seconds_count") == tpot


@pytest.mark.parametrize("cache", ["hit", "coalesced"])
def test_C15_D6_ttft_is_not_that_of_streams_that_were_not_generated(cache: str) -> None:
    observer = PrometheusObserver()
    finish(observer, streamed(cache=cache, generated=False))
    assert value(observer, "vgate_ttft_seconds_count") == value(observer, "vgate_tpot_seconds_count") == 0


def test_C15_D6_hits_misses_and_the_rest_are_told_apart() -> None:
    observer = PrometheusObserver()
    caches = ["hit", "hit", "miss", "coalesced", "bypass(sampled)", "bypass(disabled)", ""]
    finish(observer, *(record(cache=cache) for cache in caches))
    assert (value(observer, "vgate_cache_hits_total"), value(observer, "vgate_cache_misses_total")) == (2, 1)
    assert value(observer, "vgate_requests_coalesced_total") == 1


def test_batches_and_tokens() -> None:
    observer = PrometheusObserver()
    observer.batch_done(Batch(1, 8, dispatched=10.0, running=0, tokens=256), 12.0)
    observer.batch_done(Batch(2, 2, dispatched=10.5, running=0, tokens=64), 11.0)
    assert value(observer, "vgate_tokens_generated_total") == 320
    assert (value(observer, "vgate_batch_size_sum"), value(observer, "vgate_batch_size_count")) == (10, 2)
    assert value(observer, "vgate_batch_size_bucket", le="2.0") == 1
    assert value(observer, "vgate_batch_processing_seconds_sum") == 2.5


def test_O2_in_flight_goes_up_and_back_to_zero() -> None:
    observer, records = PrometheusObserver(), [record(status=status) for status in (200, 499, 500)]
    for one in records:
        observer.started(one)
    assert value(observer, "vgate_requests_in_flight") == 3
    for one in records:
        observer.finished(one)
    assert value(observer, "vgate_requests_in_flight") == 0


def test_O1_series_are_bounded_by_endpoints_methods_and_statuses_alone() -> None:
    """Ids, users, keys and texts of 1,000 requests make no series."""
    observer = PrometheusObserver()
    for number, status in itertools.product(range(250), (200, 400, 429, 499)):
        one = streamed(status=status, user=f"u{number}", caller=f"k{number}", error=f"e{number}")
        one.request_id = f"r{number}"
        finish(observer, one)
    series = scrape(observer)
    fixed = {"decision", "reason", "operation", "result", "source"}
    assert {label for _, labels in series for label, _ in labels} == {"endpoint", "method", "status", "le"} | fixed
    assert len([name for name, _ in series if name == "vgate_requests_total"]) == 4
    assert len(series) == len(scrape(PrometheusObserver())) + 4 + len(SECONDS) + 3


SUBJECTS = (RequestMetrics, GenerationMetrics, BatchMetrics, CacheMetrics, EmbeddingMetrics, OperationMetrics)
GAUGES = (
    "requests_in_flight",
    "queue_waiting",
    "engine_running",
    "engine_ready",
    "cache_entries",
    "cache_bytes",
    "embedding_items_waiting",
)


COUNTERS = (
    "requests",
    "answers_broken",
    "answers_aborted",
    "tokens_generated",
    "cache_hits",
    "cache_misses",
    "requests_coalesced",
    "queue_dropped",
    "cache_failures",
    "cache_dropped",
    "limiter_decisions",
    "config_reloads",
    "embedding_items",
    "engine_deaths",
    "engine_restarts",
)
HISTOGRAMS = (
    "request_latency_seconds",
    "admission_wait_seconds",
    "batch_size",
    "batch_processing_seconds",
    "ttft_seconds",
    "tpot_seconds",
    "embedding_batch_items",
    "embedding_batch_tokens",
)


async def test_every_metric_that_is_promised_is_there_from_the_start() -> None:
    """But for those with the endpoint as a label, which come with the first request."""
    observer = PrometheusObserver()
    observer.follow(await dry_run(), build("embedding", "dry_run"))
    by_endpoint = {name for name, _ in scrape(observer)}
    finish(observer, record())
    wanted = {f"vgate_{name}_total" for name in COUNTERS}
    wanted |= {f"vgate_{name}_{part}" for name in HISTOGRAMS for part in ("bucket", "count", "sum")}
    wanted |= {f"vgate_{gauge}" for gauge in (*GAUGES, "build_info")}
    assert {name for name, _ in scrape(observer)} == wanted
    assert {name for name in wanted - by_endpoint if not name.startswith("vgate_request")} == set()


def test_every_hook_that_a_metric_has_is_passed_on() -> None:
    """A hook that is not told here would leave its metric at zero."""
    hooks = [name for name in vars(Observer) if not name.startswith("_")]
    heard = {name for kind in SUBJECTS for name in hooks if name in vars(kind)}
    assert heard == {name for name in hooks if name in vars(PrometheusObserver)} == set(hooks)


def test_items_of_embeddings_are_counted_by_where_they_came_from() -> None:
    observer = PrometheusObserver()
    fields: dict[str, Any] = {"endpoint": "/v1/embeddings", "cache": "partial(9/10)", "items": 10, "cached_items": 9}
    finish(
        observer, record(**fields), record(**(fields | {"status": 400})), record(cache="hit", items=2, cached_items=2)
    )
    assert value(observer, "vgate_embedding_items_total", source="cache") == 11
    assert value(observer, "vgate_embedding_items_total", source="engine") == 1
    assert value(observer, "vgate_cache_misses_total") == 1, "a request that was not answered from the cache alone"


def test_items_wait_and_enter_together() -> None:
    observer = PrometheusObserver()
    observer.items_waiting(3)
    observer.items_waiting(-2)
    observer.items_admitted(2, 300)
    assert value(observer, "vgate_embedding_items_waiting") == 1
    assert value(observer, "vgate_embedding_batch_items_sum") == 2
    assert value(observer, "vgate_embedding_batch_tokens_bucket", le="1024.0") == 1


def test_the_scrape_holds_the_process_and_its_engine_too() -> None:
    assert b"python_info" in PrometheusObserver().exposition()


def test_two_servers_in_one_process_do_not_mix() -> None:
    one, other = PrometheusObserver(), PrometheusObserver()
    finish(one, record())
    assert value(other, "vgate_requests_total", endpoint=CHAT, method="POST", status="200") is None


def test_stats_say_what_the_scrape_says() -> None:
    observer = PrometheusObserver()
    finish(observer, streamed(), record(status=429), record(endpoint="/health", method="GET"), record(cache="hit"))
    observer.batch_done(Batch(1, 8, dispatched=10.0, running=0, tokens=256), 12.0)
    scraped = {key: number for key, number in scrape(observer).items() if not key[0].endswith("_bucket")}
    assert flat(observer.stats()) == scraped


def flat(stats: dict[str, Any]) -> Samples:
    """`/stats` in the form of a scrape."""
    found: Samples = {}
    for name, held in stats.items():
        for row in held if isinstance(held, list) else [held]:
            parts = row if isinstance(row, dict) else {"value": row}
            labels = tuple(sorted((k, v) for k, v in parts.items() if isinstance(v, str)))
            found |= {(f"{name}_{part}", labels): parts[part] for part in ("count", "sum") if part in parts}
            found |= {(name, labels): parts["value"]} if "value" in parts else {}
            if parts.get("count"):
                assert parts["mean"] == parts["sum"] / parts["count"]
    return found


def test_stats_of_an_idle_server() -> None:
    stats = PrometheusObserver().stats()
    assert stats["vgate_tokens_generated_total"] == 0
    assert stats["vgate_batch_size"] == {"count": 0, "sum": 0, "mean": None}
