"""Decisions of the limiter and reloads of the configuration."""

from tests.observe.prometheus.scraping import scrape, value
from vgate.observe.prometheus import PrometheusObserver


def test_decisions_are_counted_by_name() -> None:
    observer = PrometheusObserver()
    for decision in ("allowed", "allowed", "requests", "pre_auth"):
        observer.limited(decision)
    counts = {labels["decision"]: count for labels, count in rows(observer, "vgate_limiter_decisions_total")}
    assert {name: count for name, count in counts.items() if count} == {"allowed": 2, "requests": 1, "pre_auth": 1}
    assert len(counts) == 9, "all are there from the start, so that a rate is one from the first"


def test_O1_decisions_are_a_fixed_set() -> None:
    observer = PrometheusObserver()
    for number in range(1000):
        observer.limited(f"decision {number}")
    assert len(rows(observer, "vgate_limiter_decisions_total")) == 10
    assert value(observer, "vgate_limiter_decisions_total", decision="other") == 1000


def test_reloads_are_counted_by_their_result() -> None:
    observer = PrometheusObserver()
    for ok in (True, False, False):
        observer.reloaded(ok)
    assert value(observer, "vgate_config_reloads_total", result="ok") == 1
    assert value(observer, "vgate_config_reloads_total", result="failed") == 2


def rows(observer: PrometheusObserver, name: str) -> list[tuple[dict[str, str], float]]:
    return [(dict(labels), count) for (found, labels), count in scrape(observer).items() if found == name]
