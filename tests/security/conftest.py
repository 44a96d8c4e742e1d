"""`X-RateLimit-Reset` is in Unix time: in these tests the wall clock goes with the loop's."""

import asyncio

import pytest

from tests.security.asking import EPOCH
from vgate.security import told


class Wall:
    """The module `time`, as far as it is used."""

    @staticmethod
    def time() -> float:
        return EPOCH + asyncio.get_running_loop().time()


@pytest.fixture(autouse=True)
def wall_clock(monkeypatch: pytest.MonkeyPatch) -> type[Wall]:
    monkeypatch.setattr(told, "time", Wall)
    return Wall
