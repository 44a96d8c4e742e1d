import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgate.harness.metrics.percentile import minimum_n, nearest_rank, percentile


@pytest.mark.parametrize("percent", [90, 95, 99])
def test_refused_below_the_minimum_and_given_at_it(percent: float) -> None:
    least = minimum_n(percent)
    assert percentile(range(least - 1), percent) is None
    assert percentile(range(least), percent) == math.ceil(percent / 100 * least) - 1


def test_nearest_rank_is_one_of_the_values() -> None:
    values = [float(value) for value in range(1, 101)]
    assert [nearest_rank(values, percent) for percent in (1, 50, 90, 99, 100)] == [1, 50, 90, 99, 100]
    assert nearest_rank([15, 20, 35, 40, 50], 40) == 20


@given(st.lists(st.floats(0, 1e6), min_size=1), st.sampled_from([50, 90, 95, 99]))
def test_nearest_rank_by_its_definition(values: list[float], percent: int) -> None:
    """The smallest value that at least so many percent of the values do not exceed."""
    found = nearest_rank(sorted(values), percent)
    enough = [value for value in values if sum(other <= value for other in values) * 100 >= percent * len(values)]
    assert found == min(enough)


def test_samples_of_one_request_count_once() -> None:
    tokens = pd.Series(np.arange(460.0), index=np.repeat(np.arange(46), 10))
    assert percentile(tokens, 99) is None
    assert percentile(tokens, 90) == 413.0


def test_no_percentile_is_infinite() -> None:
    values = [*range(95), *[math.inf] * 5]
    assert (percentile(values, 95), percentile(values, 90)) == (94, 89)
    assert percentile([*range(94), *[math.inf] * 6], 95) is None


def test_undefined_samples_do_not_count() -> None:
    assert percentile([1.0] * 43 + [math.nan] * 10, 90) is None
