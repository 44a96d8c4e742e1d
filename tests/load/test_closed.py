from itertools import islice

from tests.load.settings import Recorder
from vgate.load.closed import Closed
from vgate.workload.base import Slot


def test_users_are_what_is_driven() -> None:
    driver = Recorder()
    Closed(users=3).drive(driver, seed=0)
    assert (driver.users, driver.schedule) == (3, None)


def test_the_server_decides_the_rate() -> None:
    assert Closed(users=3).offered_rate is None


def test_users_take_turns_in_the_plan() -> None:
    planned = list(islice(Closed(users=2).slots(seed=0), 3))
    assert planned == [(Slot(0, 0), None), (Slot(1, 0), None), (Slot(0, 1), None)]
