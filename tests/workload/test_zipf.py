from collections import Counter

import pytest

from tests.workload.settings import arrivals, text, zipf


def asked(count: int, **changes: object) -> Counter[str]:
    return Counter(text(question) for question in arrivals(zipf(**changes), count))


def test_repeats_come_from_the_pool_at_their_ratio() -> None:
    counts = asked(2000, repeat_ratio=0.4, pool=5, exponent=0.0)
    repeated = [count for count in counts.values() if count > 1]
    assert len(repeated) == 5
    assert 0.36 < sum(repeated) / 2000 < 0.44


def test_without_a_ratio_nothing_repeats() -> None:
    assert max(asked(500, repeat_ratio=0.0).values()) == 1


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_shares_follow_the_law(exponent: float) -> None:
    """The share of the r-th is r^-s over the sum, within 4 standard errors."""
    weights = [rank**-exponent for rank in range(1, 11)]
    counts = [count for _, count in asked(4000, pool=10, exponent=exponent).most_common()]
    assert len(counts) == 10
    for count, weight in zip(counts[:3] if exponent else [], weights, strict=False):
        share = weight / sum(weights)
        assert count == pytest.approx(4000 * share, abs=4 * (4000 * share * (1 - share)) ** 0.5)
    if not exponent:
        assert all(count == pytest.approx(400, abs=4 * 19) for count in counts)


def test_a_question_that_comes_again_is_the_same_in_all() -> None:
    """Its max_tokens too, or no cache would know it again."""
    lengths = {"distribution": "uniform", "min": 1, "max": 50}
    limits: dict[str, set[int]] = {}
    for question in arrivals(zipf(pool=5, prompt_tokens=lengths, output_tokens=lengths), 200):
        limits.setdefault(text(question), set()).add(question.output_tokens)
    assert len(limits) == 5
    assert all(len(limit) == 1 for limit in limits.values())
