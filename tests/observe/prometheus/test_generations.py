"""Admission waits, and why requests were not admitted."""

import itertools

import pytest

from tests.observe.prometheus.scraping import left, scrape, value
from vgate.observe.prometheus import PrometheusObserver
from vgate.observe.prometheus.buckets import TPOT_SECONDS, TTFT_SECONDS


def test_the_wait_for_admission_is_from_being_queued_to_being_admitted() -> None:
    observer = left(queued=10.1, admitted=10.4)
    assert value(observer, "vgate_admission_wait_seconds_sum") == pytest.approx(0.3)
    assert value(left(queued=10.1), "vgate_admission_wait_seconds_count") == 0
    assert value(left(), "vgate_admission_wait_seconds_count") == 0


@pytest.mark.parametrize("reason", ["full", "deadline", "left"])
def test_who_was_not_admitted_is_counted_by_reason(reason: str) -> None:
    assert value(left(refused=reason), "vgate_queue_dropped_total", reason=reason) == 1


def test_O1_reasons_are_a_fixed_set() -> None:
    observer = PrometheusObserver()
    for number in range(1000):
        observer.refused(f"because {number}")
    assert value(observer, "vgate_queue_dropped_total", reason="other") == 1000
    assert len([name for name, _ in scrape(observer) if name == "vgate_queue_dropped_total"]) == 4


def test_buckets_suit_what_they_count() -> None:
    """TTFT to 100 s, and from 5 ms to 1 s no bound is twice the one before it or more."""
    assert TTFT_SECONDS[-1] == 100
    fine = [bound for bound in TTFT_SECONDS if 0.005 <= bound <= 1]
    assert max(high / low for low, high in itertools.pairwise(fine)) < 2
    assert list(TTFT_SECONDS) == sorted(TTFT_SECONDS)
    assert list(TPOT_SECONDS) == sorted(TPOT_SECONDS)
