import random
from collections.abc import Iterator

import pytest

from vgate.batch.trials import Policy, Trials, gains, verdict

HELD = Policy(hold_s=0.01)


def test_turns_in_the_order_a_b_b_a_cancel_a_steady_drift() -> None:
    """Every turn takes 10 % longer than the one before, whatever the policy."""
    found = gains([1.0, 1.1, 1.21, 1.331])
    assert found[0] == pytest.approx(-found[1])


def test_what_is_clear_is_decided_after_one_pair() -> None:
    assert verdict([1.5]) is True
    assert verdict([-0.3]) is False
    assert verdict([0.5]) is None


def test_what_agrees_is_decided_after_three_pairs() -> None:
    assert verdict([0.05, 0.06]) is None
    assert verdict([0.05, 0.06, 0.055]) is True
    assert verdict([0.0, 0.001, -0.001]) is False


def test_a_gain_of_one_percent_is_not_worth_a_change() -> None:
    assert verdict([0.01, 0.011, 0.0105]) is False


def test_what_does_not_agree_is_not_adopted() -> None:
    noisy = [0.2, -0.15, 0.3, -0.1, 0.1, -0.18]
    assert [verdict(noisy[:count]) for count in range(3, 7)] == [None, None, None, False]


def test_noise_alone_is_seldom_taken_for_a_gain() -> None:
    """Two equal policies, turns that scatter by 10 %: at most one trial in ten is won by chance."""
    order, won = random.Random(1), 0
    for _ in range(500):
        found: list[float] = []
        while (decided := verdict(found) if found else None) is None:
            found.append(order.gauss(0, 0.14))
        won += decided
    assert won <= 50


def always(_: Policy) -> Iterator[Policy]:
    yield HELD


def drive(trials: Trials, requests: int, response_s: dict[Policy, float]) -> dict[Policy, int]:
    """One request after the other, two at a time: how many came under each policy."""
    came: dict[Policy, int] = {}
    for _ in range(requests):
        came[trials.policy] = came.get(trials.policy, 0) + 1
        turn = trials.turn if trials.counts else None
        trials.ended(0, 2, response_s[trials.policy], 1, turn)
    return came


def test_a_policy_that_loses_is_tried_ever_more_seldom() -> None:
    trials = Trials(always)
    early = drive(trials, 1_000, {Policy(): 1.0, HELD: 1.1})
    late = drive(trials, 100_000, {Policy(): 1.0, HELD: 1.1})
    assert (early[HELD] > 100, late[HELD] < 0.01 * 100_000) == (True, True)


def test_trials_lose_no_more_than_one_percent_of_all_response_time_beside_the_latest() -> None:
    """A policy that takes ten times as long: about 18 of 100,000 requests may pay for it, and one trial on top."""
    came = drive(Trials(always), 100_000, {Policy(): 1.0, HELD: 10.0})
    assert came[HELD] * 9 < 0.01 * (100_000 + 9 * came[HELD]) + 9 * 2 * 18


def test_a_policy_that_wins_is_kept() -> None:
    trials = Trials(lambda best: iter([HELD] if best == Policy() else [Policy()]))
    came = drive(trials, 100_000, {Policy(): 1.0, HELD: 0.9})
    assert trials.best == HELD
    assert came[Policy()] < 0.01 * 100_000


def test_it_comes_back_when_the_engine_has_changed() -> None:
    trials = Trials(lambda best: iter([HELD] if best == Policy() else [Policy()]))
    drive(trials, 20_000, {Policy(): 1.0, HELD: 0.9})
    drive(trials, 80_000, {Policy(): 0.9, HELD: 1.0})
    assert trials.best == Policy()


def test_without_candidates_it_looks_again_as_often_as_at_first() -> None:
    found: list[Policy] = []
    trials = Trials(lambda _: iter(found))
    drive(trials, 10_000, {Policy(): 1.0})
    found.append(HELD)
    assert HELD in drive(trials, 200, {Policy(): 1.0, HELD: 1.1})


def test_requests_of_the_turn_before_do_not_count() -> None:
    """Those inside at the change have to leave first; who came before that is not part of the turn."""
    trials = Trials(always)
    drive(trials, 32, {Policy(): 1.0})
    assert not trials.counts
    trials.ended(0, 2, 1.0, 1, None)
    trials.ended(0, 2, 1.0, 1, None)
    assert trials.counts


def test_giving_up_leaves_a_policy_at_once() -> None:
    trials = Trials(always)
    trials.best = trials.policy = HELD
    trials.give_up()
    assert (trials.best, trials.policy) == (Policy(), Policy())


def test_a_trial_whose_answers_all_fail_is_given_up() -> None:
    """Else its policy would stay in force for as long as they fail."""
    trials = Trials(always)
    drive(trials, 100, {Policy(): 1.0, HELD: 1.0})
    for _ in range(5_000):
        if trials.policy == HELD:
            break
        trials.ended(0, 2, 1.0, 1, trials.turn if trials.counts else None)
    assert trials.policy == HELD
    for _ in range(1_100):
        trials.ended(0, 2, None, 0, trials.turn)
    assert trials.policy == Policy()
