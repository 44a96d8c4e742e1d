import re

import numpy as np
import pytest

from tests.harness.stats.series import autoregressive
from vgate.harness.stats.percentiles import percentile_estimates


def test_independent_values_have_the_ranks_of_the_binomial() -> None:
    """Of 1 to 100 the median lies between the ranks 40 and 61."""
    values = np.random.default_rng(0).permutation(np.arange(1.0, 101.0))
    (found,) = percentile_estimates(values, [50]).values()
    assert found.value == 50
    assert found.low == pytest.approx(40.5, abs=1.5)
    assert found.high == pytest.approx(60.5, abs=1.5)


@pytest.mark.parametrize(("count", "refused"), [(4603, []), (4602, [99.9]), (458, [99, 99.9]), (6, [50, 90, 99, 99.9])])
def test_refused_with_a_reason(count: int, refused: list[float]) -> None:
    found = percentile_estimates(autoregressive(count, 0.0), [50, 90, 99, 99.9])
    assert [percent for percent, estimate in found.items() if estimate.value is None] == refused
    for percent in refused:
        assert (
            found[percent].why == f"{count} requests; p{percent:g} needs {7 if percent == 50 else found_least(percent)}"
        )
        assert found[percent].interval is None


def found_least(percent: float) -> int:
    return {90: 44, 99: 459, 99.9: 4603}[percent]


def test_dependent_values_are_worth_fewer_and_their_interval_is_wider() -> None:
    loose, tight = (percentile_estimates(autoregressive(20_000, memory), [50, 90])[50] for memory in (0.9, 0.0))
    assert tight.n_eff == pytest.approx(20_000, rel=0.15)
    assert loose.n_eff == pytest.approx(20_000 / 12.5, rel=0.3)  # arcsine law: the sum of 2/pi asin(0.9^k)
    assert loose.high - loose.low > 2.5 * (tight.high - tight.low)  # type: ignore[operator]


def test_a_p99_that_too_few_independent_samples_carry_has_no_interval() -> None:
    found = percentile_estimates(autoregressive(1000, 0.95), [99])[99]
    assert found.value is not None
    assert found.interval is None
    assert found.why is not None
    assert re.fullmatch(r"1000 requests are worth \d+ independent ones; an interval for p99 needs 1000", found.why)


def test_samples_of_one_owner_are_not_independent() -> None:
    """Each of 1,000 requests has 20 equal samples: the interval is that of 1,000."""
    values, owners = np.repeat(autoregressive(1000, 0.0), 20), np.repeat(np.arange(1000), 20)
    pooled, alone = percentile_estimates(values, [50], owners)[50], percentile_estimates(values[::20], [50])[50]
    assert pooled.n == 1000
    assert pooled.n_eff == pytest.approx(alone.n_eff)
    assert (pooled.low, pooled.high) == (pytest.approx(alone.low, abs=0.01), pytest.approx(alone.high, abs=0.01))


def test_independent_samples_of_one_owner_are_not_worth_more_than_it() -> None:
    """Nor are 20 tokens each of 40 requests enough for a p90, which needs 44."""
    owners = np.repeat(np.arange(100), 20)
    found = percentile_estimates(autoregressive(2000, 0.0), [50, 95], owners)
    assert (found[50].n, found[50].n_eff) == (100, 100)
    assert found[95].value is not None
    few = percentile_estimates(autoregressive(800, 0.0), [90], np.repeat(np.arange(40), 20))
    assert (few[90].value, few[90].why) == (None, "40 requests; p90 needs 44")


def test_a_percentile_among_those_without_an_answer_is_refused() -> None:
    """Every twentieth of 1,000, in two samples each: p95 is the last that was answered."""
    values = np.repeat(np.random.default_rng(0).permutation(np.arange(1000.0)), 2)
    values[np.repeat(np.arange(1000) % 20 == 0, 2)] = np.inf
    found = percentile_estimates(values, [50, 95, 99], np.repeat(np.arange(1000), 2))
    assert found[50].interval is not None
    assert (found[95].value, found[95].interval) == (values[np.isfinite(values)].max(), None)
    assert found[95].why == "its interval ends among the requests without a complete answer"
    assert (found[99].value, found[99].n) == (None, 1000)
    assert found[99].why == "p99 lies among the 50 requests without a complete answer"


def test_equal_values() -> None:
    found = percentile_estimates(np.full(1000, 10.0), [50, 99])
    assert [(e.value, e.low, e.high, e.n_eff) for e in found.values()] == [(10.0, 10.0, 10.0, 1000)] * 2
