import pytest

from tests.workers.rigs import BREAKER
from vgate.workers.breaker import Breaker
from vgate.workers.worker import Outcome


def after(*outcomes: Outcome) -> Breaker:
    made = Breaker(BREAKER)
    for outcome in outcomes:
        made.ended(outcome, 0.0, trial=made.began())
    return made


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    assert after(*["failed"] * 4).state(0.0) == "closed"
    assert after(*["failed"] * 5).state(0.0) == "open"
    assert not after(*["failed"] * 5).allows(4.9)


def test_it_opens_at_a_share_of_failures_without_a_row() -> None:
    half: list[Outcome] = ["ok", "failed"] * 10
    assert after(*half[:19]).state(0.0) == "closed"
    assert after(*half).state(0.0) == "open"
    assert after(*half[:18], "ok", "ok", "ok", "failed").state(0.0) == "closed"


@pytest.mark.parametrize("outcome", ["busy", "left"])
def test_busy_and_left_say_nothing(outcome: Outcome) -> None:
    assert after(*[outcome] * 50).state(0.0) == "closed"
    assert after(*["failed"] * 4, *[outcome] * 50, "failed").state(0.0) == "open"


def test_half_open_lets_one_through_and_its_success_closes() -> None:
    breaker = after(*["failed"] * 5)
    assert breaker.state(5.0) == "half_open"
    assert breaker.allows(5.0)
    assert breaker.began()
    assert not breaker.allows(5.0)
    assert breaker.ended("ok", 6.0, trial=True)
    assert breaker.state(6.0) == "closed"


def test_each_failed_trial_doubles_the_pause_up_to_the_most() -> None:
    breaker, now, pauses = after(*["failed"] * 5), 0.0, []
    for _ in range(6):
        assert breaker.until is not None
        pauses.append(breaker.until - now)
        now = breaker.until
        breaker.ended("failed", now, trial=breaker.began())
    assert pauses == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    assert breaker.opened == 7


def test_a_trial_whose_client_left_makes_room_for_another() -> None:
    breaker = after(*["failed"] * 5)
    breaker.ended("left", 5.0, trial=breaker.began())
    assert breaker.allows(5.0)
    assert breaker.state(5.0) == "half_open"


def test_what_began_before_it_opened_neither_closes_it_nor_opens_it_again() -> None:
    breaker = after(*["failed"] * 5)
    for outcome in ("failed", "ok", "failed"):
        breaker.ended(outcome, 1.0, trial=False)
    assert (breaker.state(1.0), breaker.until, breaker.opened) == ("open", 5.0, 1)


def test_after_it_has_closed_all_begins_anew() -> None:
    breaker = after(*["failed"] * 5)
    breaker.ended("ok", 5.0, trial=breaker.began())
    for _ in range(4):
        breaker.ended("failed", 6.0, trial=False)
    assert breaker.state(6.0) == "closed"
    breaker.ended("failed", 6.0, trial=False)
    assert breaker.until == 11.0


def test_after_a_reset_a_trial_that_began_before_says_nothing() -> None:
    breaker = after(*["failed"] * 5)
    trial = breaker.began()
    breaker.reset()
    assert breaker.state(5.0) == "closed"
    assert not breaker.ended("failed", 6.0, trial=trial)
    assert breaker.state(6.0) == "closed"
    assert breaker.allows(6.0)
