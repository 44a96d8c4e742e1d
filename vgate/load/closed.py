"""Closed loop."""

from collections.abc import Iterator
from itertools import count

from vgate.load.base import Driver, Load
from vgate.workload.base import Slot


class Closed(Load):
    """`users` requests in flight: a user's next request is intended for the moment its last answer ended."""

    def __init__(self, users: int) -> None:
        self.users = users

    @property
    def offered_rate(self) -> float | None:
        return None

    def drive(self, driver: Driver, seed: int) -> None:
        driver.run_users(self.users)

    def slots(self, seed: int) -> Iterator[tuple[Slot, float | None]]:
        for number in count():
            for user in range(self.users):
                yield Slot(user, number), None
