import math

import numpy as np
import pytest

from vgate.harness.figures.downsample import binned, cdf, highest_percent, nines, occupancy
from vgate.harness.metrics.percentile import minimum_n, nearest_rank

SECOND = 1_000_000_000


@pytest.mark.parametrize("percent", [50.0, 90.0, 95.0, 99.0, 99.9])
def test_the_highest_percentile_is_the_one_that_the_minimum_allows(percent: float) -> None:
    assert highest_percent(minimum_n(percent)) >= percent
    assert highest_percent(minimum_n(percent) - 1) < percent


def test_a_cdf_holds_exact_percentiles_and_ends_where_the_sample_does() -> None:
    samples = [float(value) for value in range(1, 501)]
    values, percents = cdf(samples, points=40)
    assert len(values) == 41
    assert percents[0] == 0
    assert percents[-1] == pytest.approx(highest_percent(500))
    assert percents[-1] < 99.9
    assert values == [nearest_rank(samples, percent) for percent in percents]


def test_a_cdf_of_nothing_is_empty() -> None:
    assert cdf([]) == ([], [])
    assert cdf([math.nan]) == ([], [])


def test_a_cdf_ends_where_those_without_an_answer_begin() -> None:
    values, percents = cdf([*map(float, range(1, 401)), *[math.inf] * 100], points=40)
    assert (values[-1], percents[-1]) == (400.0, pytest.approx(80.0))
    assert cdf([math.inf] * 9) == ([], [])


def test_nines_are_equally_far_apart() -> None:
    assert [nines(percent) for percent in (0, 90, 99, 99.9)] == pytest.approx([0, 1, 2, 3])


def test_occupancy_is_exact() -> None:
    """One request over all four seconds, and a tenth of a second of three more, which a sample at the edges misses."""
    begins = np.array([0, *[1.5 * SECOND] * 3], dtype="int64")
    ends = np.array([4 * SECOND, *[1.6 * SECOND] * 3], dtype="int64")
    means, peaks = occupancy(begins, ends, 0, 4 * SECOND, bins=4)
    assert means.tolist() == pytest.approx([1, 1.3, 1, 1])
    assert peaks.tolist() == [1, 4, 1, 1]


def test_requests_from_before_the_window_are_in_it() -> None:
    means, peaks = occupancy(np.array([-SECOND]), np.array([SECOND]), 0, 2 * SECOND, bins=2)
    assert means.tolist() == [1, 0]
    assert peaks.tolist() == [1, 0]  # it leaves as the second part begins, and what leaves goes first


def test_bins_of_samples() -> None:
    moments, values = np.array([0, 1, 2, 30]), np.array([1.0, 2.0, 6.0, 4.0])
    means, peaks = binned(moments, values, 0, 40, bins=4)
    assert means.tolist()[0] == 3
    assert peaks.tolist()[0] == 6
    assert math.isnan(means[1])
    assert means[3] == 4
