import pytest

from vgate.harness.contenders import Contender
from vgate.harness.contest import Contest, ranked


def contender(name: str, bad: tuple[int, ...] = (), **rounds: float) -> Contender:
    """rounds: r0=100.0, r2=90.0."""
    values = {int(number[1:]): {name: value} for number, value in rounds.items()}
    return Contender(name, [name], values, 0.0, dict.fromkeys(bad, ("INVALID", "late")))


def names(*found: Contender) -> list[str]:
    return [one.name for one in ranked(list(found))]


def test_the_best_mean_is_first() -> None:
    assert names(contender("a", r0=1.0, r1=3.0), contender("b", r0=4.0, r1=1.0)) == ["b", "a"]


def test_a_slow_round_hurts_nobody_who_was_there() -> None:
    """Over its own rounds b has the higher mean, over those that both have the lower."""
    a, b = contender("a", r0=100.0, r1=100.0, r2=10.0), contender("b", (2,), r0=90.0, r1=90.0)
    assert b.mean > a.mean
    assert names(b, a) == ["a", "b"]
    assert Contest(ranked([b, a])).values == (100.0, 90.0)


def test_a_round_that_is_not_there_yet_is_no_advantage() -> None:
    """A sweep that was stopped in its third round, which is a fast one."""
    assert names(contender("a", r0=90.0, r1=90.0, r2=200.0), contender("b", r0=100.0, r1=100.0)) == ["b", "a"]


def test_where_all_lack_a_round_nobody_is_whole() -> None:
    found = [contender("a", (0,), r1=3.0), contender("b", (1,), r0=2.0)]
    assert ranked(found) == found
    assert Contest(found).doubt == "they share no round in which both are valid"


def test_differences_are_taken_round_by_round() -> None:
    contest = Contest([contender("a", r0=3.0, r1=13.0, r2=23.0), contender("b", r0=2.0, r1=12.0, r2=21.5)])
    assert contest.differences == [1.0, 1.0, 1.5]
    assert contest.margin == pytest.approx((39 - 35.5) / 39)
    assert contest.proven
    assert contest.doubt is None
