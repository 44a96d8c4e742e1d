"""Closed loop."""

from vgate.load.base import Driver, Load
from vgate.load.workload import Workload


class Closed(Load):
    """`users` requests in flight: a user's next request is intended for the moment its last answer ended."""

    def __init__(self, users: int, workload: Workload) -> None:
        super().__init__(workload)
        self.users = users

    @property
    def offered_rate(self) -> float | None:
        return None

    def drive(self, driver: Driver, seed: int) -> None:
        driver.run_users(self.users)
