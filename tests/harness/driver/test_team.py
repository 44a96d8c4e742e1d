"""Several driver processes are one driver."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.driver.conftest import Driven, GoldenServer, closed, poisson
from vgate.harness.driver.team import Team
from vgate.harness.driving import DriverFailed, LoadDriver, drivers_for, merge
from vgate.harness.plan import Outcome
from vgate.load.base import Load
from vgate.load.closed import Closed
from vgate.load.constant import Constant
from vgate.load.poisson import Poisson

Drive = Callable[..., Driven]
Golden = Callable[..., GoldenServer]


def test_shares_are_the_whole_and_do_not_overlap(tmp_path: Path) -> None:
    shares = [list(Team(tmp_path, part, 3).own(iter(range(10)))) for part in range(3)]
    assert shares == [[0, 3, 6, 9], [1, 4, 7], [2, 5, 8]]
    assert [list(Team(tmp_path, part, 3).users(10)) for part in range(3)] == shares


def test_the_last_to_drain_ends_it(tmp_path: Path) -> None:
    first, second = (Team(tmp_path, part, 2) for part in range(2))
    first.say_drained()
    assert not first.all_drained()
    second.say_drained()
    assert first.all_drained()


def test_an_open_loop_on_two_processes_is_the_same_schedule(drive: Drive, golden: Golden) -> None:
    """To the nanosecond, each arrival once."""
    server = golden(ttft_ms=5, itl_ms=1)
    alone, shared = (drive(server.url, poisson(60.0), drivers=count) for count in (1, 2))
    plans = [sorted((e.t_int - run.outcome.window_start, e.name) for e in run.window) for run in (alone, shared)]
    assert plans[0] == plans[1]
    assert len(plans[0]) > 30
    assert shared.rows["error"].isna().all()


def test_a_closed_loop_on_two_processes_has_all_users(drive: Drive, golden: Golden) -> None:
    driven = drive(golden(ttft_ms=20, itl_ms=1).url, closed(5), drivers=2, duration_s=0.5)
    assert {e.name.partition(".")[0] for e in driven.exchanges} == {f"user{n}" for n in range(5)}


def test_a_process_without_users_does_no_harm(drive: Drive, golden: Golden) -> None:
    driven = drive(golden(ttft_ms=20, itl_ms=1).url, closed(1), drivers=2, duration_s=0.3)
    assert {e.name.partition(".")[0] for e in driven.exchanges} == {"user0"}
    assert driven.rows["error"].isna().all()


def test_all_go_on_until_the_last_has_drained(drive: Drive, golden: Golden) -> None:
    """Arrivals come on both processes until the whole window is answered."""
    driven = drive(golden(ttft_ms=300, itl_ms=1).url, poisson(40.0), drivers=2, duration_s=0.5)
    last = max(e.t_end or 0 for e in driven.window)
    after = {int(e.name.removeprefix("arrival")) % 2 for e in driven.exchanges if last - 100_000_000 < e.t_int < last}
    assert after == {0, 1}


def test_one_that_dies_fails_the_plan(drive: Drive, golden: Golden, driver: LoadDriver) -> None:
    import os

    server, killed = golden(ttft_ms=20, itl_ms=1), []

    def kill() -> None:
        if not killed and server.tokens() > 0:
            killed.append(driver.pids[1])
            os.kill(driver.pids[1], signal.SIGKILL)

    with driver._log.open("a", encoding="utf-8") as log:
        log.write("an error of an earlier cell\n")
    with pytest.raises(DriverFailed, match="ended with exit code -9") as told:
        drive(server.url, closed(2), drivers=2, tick=kill)
    assert "earlier cell" not in str(told.value)
    assert driver.pids == []
    assert drive(server.url, closed(2), drivers=1, duration_s=0.2).exchanges


def test_merged_shares_are_the_worst(tmp_path: Path) -> None:
    Outcome(0, 10, 0.25, 0.5, 5.0).save(tmp_path / "driver.json")
    Outcome(0, 10, 0.5, 0.25, 6.0).save(tmp_path / "driver-1.json")
    for name in ("raw.bin", "raw-1.bin", "ready", "ready-1", "drained", "drained-1"):
        (tmp_path / name).write_bytes(name.encode())
    assert merge(tmp_path, 2) == Outcome(0, 10, 0.5, 0.5, 5.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["driver.json", "raw.bin"]
    assert (tmp_path / "raw.bin").read_bytes() == b"raw.binraw-1.bin"


@pytest.mark.parametrize(
    ("load", "cores", "wanted"),
    [
        (Constant(500.0), 16, 1),
        (Constant(501.0), 16, 2),
        (Poisson(3000.0), 16, 6),
        (Poisson(3000.0), 8, 4),
        (Poisson(3000.0), 1, 1),
        (Closed(1000), 16, 1),
    ],
)
def test_how_many_an_open_loop_asks_for(monkeypatch: pytest.MonkeyPatch, load: Load, cores: int, wanted: int) -> None:
    """One for each 500 requests/s, on half of the cores at most; a closed loop's rate is not known before."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    assert drivers_for(load) == wanted
