"""Statuses as labels, and clients that leave."""

import pytest

from tests.observe.prometheus.scraping import CHAT, finish, record, scrape, value
from vgate.observe.prometheus import PrometheusObserver
from vgate.observe.prometheus.buckets import status


@pytest.mark.parametrize(
    ("code", "label"),
    [(200, "200"), (404, "404"), (499, "499"), (418, "4xx"), (299, "2xx"), (0, "other"), (7000, "other")],
)
def test_a_status_that_is_not_the_servers_own_counts_as_its_class(code: int, label: str) -> None:
    observer = PrometheusObserver()
    finish(observer, record(status=code))
    assert value(observer, "vgate_requests_total", endpoint=CHAT, method="POST", status=label) == 1


def test_O1_whatever_statuses_come_their_labels_are_few() -> None:
    observer = PrometheusObserver()
    finish(observer, *(record(status=code) for code in range(10_000)))
    assert len([name for name, _ in scrape(observer) if name == "vgate_requests_total"]) < 30
    assert len({status(code) for code in range(-10, 100_000)}) < 30


def test_clients_that_left_are_counted() -> None:
    observer = PrometheusObserver()
    finish(observer, record(status=499, error="client left"), record(), record(status=200, error="broken"))
    assert value(observer, "vgate_answers_aborted_total") == 1
    assert value(observer, "vgate_answers_broken_total") == 1
