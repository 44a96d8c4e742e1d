from tests.load.settings import Recorder, workload
from vgate.load.closed import Closed


def test_users_are_what_is_driven() -> None:
    driver = Recorder()
    Closed(users=3, workload=workload()).drive(driver, seed=0)
    assert (driver.users, driver.schedule) == (3, None)


def test_the_server_decides_the_rate() -> None:
    assert Closed(users=3, workload=workload()).offered_rate is None
