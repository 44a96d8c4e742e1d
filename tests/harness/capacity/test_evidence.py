import numpy as np
import pytest

from vgate.harness.capacity.evidence import Evidence, Probe, inflation, rises, tally

DRAW = np.random.default_rng(0)


def probe(margins: np.ndarray, rate: float = 10.0) -> Probe:
    return Probe(rate, {"TTFT": margins}, len(margins), 1.0)


def test_independent_requests_count_in_full() -> None:
    assert inflation(DRAW.random(20_000) < 0.1) < 1.15


def test_what_differs_from_rate_to_rate_is_no_dependence() -> None:
    flags = np.concatenate([DRAW.random(5_000) < 0.1, DRAW.random(5_000) < 0.5])
    assert inflation(flags) > 100
    assert inflation(flags, np.repeat([10.0, 11.0], 5_000)) < 1.2


def test_from_few_requests_dependence_is_rated_higher() -> None:
    """By its standard error: a search must not stop because it happens to look small."""
    flags = np.repeat(DRAW.random(5_000) < 0.1, 10)
    few = [inflation(flags[start : start + 500]) for start in range(0, 50_000, 500)]
    assert np.mean(few) > inflation(flags)


@pytest.mark.parametrize("together", [3, 10])
def test_requests_that_fare_alike_count_as_one(together: int) -> None:
    """Each outcome `together` times in a row: 1 + 2 sum (1 - k / together) = together."""
    flags = np.repeat(DRAW.random(20_000) < 0.1, together)
    assert inflation(flags) == pytest.approx(together, rel=0.15)


def test_nothing_is_learnt_of_dependence_where_nothing_differs() -> None:
    assert inflation(np.zeros(100, dtype=bool)) == 1.0


def test_few_bad_ones_borrow_their_dependence_from_the_slowest_tenth() -> None:
    margins = np.repeat(DRAW.random(5_000), 10) * 0.9  # none is bad
    found = tally(margins)
    assert (found.count, found.bad) == (50_000, 0)
    assert found.effective == pytest.approx(5_000, rel=0.2)


def test_errors_are_bad() -> None:
    found = tally(np.array([0.5, np.inf, 0.5, 1.0, 1.001] * 20))
    assert found.bad == 40
    assert found.share == 0.4


def test_windows_at_one_rate_are_taken_together() -> None:
    both = Evidence([probe(np.full(300, 0.1)), probe(np.full(200, 0.1))])
    assert both.count == 500
    assert both.passes(0.01)
    assert not Evidence(both.probes[:1]).passes(0.01)


def test_every_limit_must_be_met() -> None:
    good, bad = np.full(500, 0.1), np.where(np.arange(500) % 10 == 0, 2.0, 0.1)
    found = Evidence([Probe(10.0, {"TTFT": good, "TPOT": bad}, 500, 1.0)])
    assert not found.passes(0.05)
    assert found.fails(0.05)
    assert not found.looks_good(0.05)


def test_a_queue_that_rises_is_overload_however_few_are_bad_yet() -> None:
    climbing = np.linspace(0.0, 1.3, 200)
    assert rises(climbing)
    found = Evidence([probe(climbing)])
    assert found.overloaded
    assert found.fails(0.2)
    assert not found.passes(0.9)
    assert not found.looks_good(0.9)


@pytest.mark.parametrize(
    "margins",
    [
        np.linspace(0.0, 0.9, 200),  # rises, but is not bad yet
        np.linspace(0.9, 1.3, 200),  # rises by less than its double
        np.concatenate([np.full(150, 0.1), np.full(50, 5.0)]),  # one jump
        np.linspace(0.0, 5.0, 49),  # too few to tell
        DRAW.exponential(1.0, 1000),  # bad and steady
    ],
)
def test_what_is_no_rise(margins: np.ndarray) -> None:
    assert not rises(margins)


def test_no_request_says_nothing() -> None:
    nothing = Evidence([probe(np.array([]))])
    assert not nothing.passes(0.5)
    assert not nothing.fails(0.5)
    assert nothing.tallies == {}
