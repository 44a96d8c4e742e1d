"""The rig on the dry-run engine, with real processes."""

import io
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vgate import open_files
from vgate.harness import rig as rig_module
from vgate.harness.cells import Cell, single
from vgate.harness.certificate import load
from vgate.harness.files import write_json
from vgate.harness.layout import CERTIFICATE, MANIFEST
from vgate.harness.progress import Progress
from vgate.harness.report import report
from vgate.harness.results import Run, load_run
from vgate.harness.rig import NO_SERVER, Rig
from vgate.harness.server import Server, ServerBusy, ServerFailed
from vgate.harness.store import RunFolder

TRIAL = ["trial.warmup_s=0", "trial.duration_s=0.5", "trial.cooldown_s=0", "trial.certify=false"]
SESSION = {"command": "python -m vgate.bench", "utc": "2026-01-01T00:00:00+00:00", "git": None}
SHORT = ["engine=dry_run", *TRIAL, "load.users=2"]


def cell(*overrides: str, number: int = 0) -> Cell:
    return single([*SHORT, *overrides], {"named": " ".join(overrides)}, number)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[RunFolder]:
    made = RunFolder(tmp_path)
    with made.locked():
        yield made


def starts(folder: RunFolder) -> int:
    return len(list(folder.logs.glob("server-*")))


def test_one_engine_serves_cells_that_it_can_serve(folder: RunFolder) -> None:
    """Two strategies need one server, another engine setting a second; what was measured is not measured again."""
    said = io.StringIO()
    lockstep, slow = cell("batch=lockstep"), cell("engine.max_num_seqs=4")
    with Rig(folder, Progress([], said)) as rig:
        first, second = rig.measure(cell()), rig.measure(lockstep)
        assert first is not None
        assert second is not None
        assert starts(folder) == 1
        assert first.numbers["requests"] > 0
        assert second.config["batch"]["_target_"].endswith("Lockstep")
        assert rig.measure(slow) is not None
        assert starts(folder) == 2
        again = rig.measure(lockstep)
        assert again is not None
        assert again.about["started_utc"] == second.about["started_utc"]
        assert starts(folder) == 2
    assert said.getvalue().count(": done, graph ") == 3


def test_the_instrument_is_measured_once_before_the_first_cell(folder: RunFolder) -> None:
    said = io.StringIO()
    with Rig(folder, Progress([], said)) as rig:
        for number in range(2):
            assert rig.measure(cell("trial.certify=true", number=number)) is not None
    (certificate,) = load(folder.path / CERTIFICATE)
    assert certificate.token_errors == 0
    assert said.getvalue().startswith(certificate.words)
    assert said.getvalue().count("the load driver, at 300 requests/s") == 1
    assert len(list(folder.cells.iterdir())) == 2


def test_each_number_of_driver_processes_is_certified(folder: RunFolder) -> None:
    """Once, and no more than so many numbers: the others are named."""
    said, certified = io.StringIO(), ("trial.certify=true", "load.users=6")
    with Rig(folder, Progress([], said)) as rig:
        for number, drivers in enumerate((1, 2, 1)):
            assert rig.measure(cell(*certified, f"trial.drivers={drivers}", number=number)) is not None
        assert [found.drivers for found in load(folder.path / CERTIFICATE)] == [1, 2]
        rig.driver.certified |= {5, 6}
        assert rig.measure(cell(*certified, "trial.drivers=3")) is not None
    assert "has no certificate for 3 processes" in said.getvalue()
    assert [found.words for found in load_run_of(folder).certificates] == [
        found.words for found in load(folder.path / CERTIFICATE)
    ]


def test_a_start_that_fails_is_tried_once_more(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    said, real, tries = io.StringIO(), Server.start, itertools.count()

    def start(server: Server, tick: Callable[[], None]) -> None:
        if next(tries) == 0:
            raise ServerFailed("the card is still taken")
        real(server, tick)

    monkeypatch.setattr(Server, "start", start)
    with Rig(folder, Progress([], said)) as rig:
        assert rig.measure(cell()) is not None
        assert rig.measure(cell(number=1)) is not None
    assert next(tries) == 2
    assert "the server did not start and is tried once more: the card is still taken" in said.getvalue()
    assert folder.failed() == []


def test_a_busy_server_is_started_anew_for_the_next_cell(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    said, real, times = io.StringIO(), Server.configure, itertools.count()

    def configure(server: Server, container: dict[str, Any]) -> None:
        if next(times) == 1:
            raise ServerBusy("POST /reset: HTTP 503: Requests are running")
        real(server, container)

    monkeypatch.setattr(Server, "configure", configure)
    with Rig(folder, Progress([], said)) as rig:
        assert rig.measure(cell()) is not None
        assert rig.measure(cell(number=1)) is not None
    assert starts(folder) == 2
    assert folder.failed() == []
    assert "started anew: POST /reset" in said.getvalue()


def test_a_fault_of_the_bench_costs_one_cell(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    said, real, times = io.StringIO(), rig_module.measure, itertools.count()

    def measure(*given: Any) -> None:
        if next(times) == 0:
            raise KeyError("t_end")
        real(*given)

    monkeypatch.setattr(rig_module, "measure", measure)
    with Rig(folder, Progress([], said)) as rig:
        assert rig.measure(cell()) is None
        assert rig.measure(cell(number=1)) is not None
    (failure,) = folder.failed()
    assert failure["reason"] == "a fault of the bench itself: KeyError: 't_end'"
    assert any("in measure" in line for line in failure["traceback"])
    assert "its traceback is in " in said.getvalue()


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_who_stops_it_is_heard(folder: RunFolder, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]) -> None:
    def measure(*_given: Any) -> None:
        raise stop

    monkeypatch.setattr(rig_module, "measure", measure)
    with pytest.raises(stop), Rig(folder, Progress([], io.StringIO())) as rig:
        rig.measure(cell())
    assert folder.failed() == []


def test_more_users_than_there_can_be_connections_start_nothing(folder: RunFolder) -> None:
    with Rig(folder, Progress([], io.StringIO())) as rig:
        assert rig.measure(cell(f"load.users={open_files.most()}")) is None
    assert starts(folder) == 0
    assert "ulimit -Hn" in folder.failed()[0]["reason"]


def test_what_was_looked_at_is_told(folder: RunFolder) -> None:
    with Rig(folder, Progress([], io.StringIO())) as rig:
        result = rig.measure(cell())
    assert result is not None
    assert result.about["observed"] == {"records": True, "gauges_every_s": 0.1, "gauges_missed": 0}
    page = report(load_run_of(folder))
    assert "the server kept a record of each request, and its gauges were read every 0.1 s" in page


def load_run_of(folder: RunFolder) -> Run:
    about = {"name": "run", "question": None, "seed": 0, "finished": True, "sessions": [SESSION]}
    write_json(folder.path / MANIFEST, about)
    return load_run(folder.path)


def test_an_engine_that_cannot_start_is_given_up_after_two_tries(folder: RunFolder, tmp_path: Path) -> None:
    broken = "model.model_id=/nowhere/model"
    with Rig(folder, Progress([], io.StringIO())) as rig:
        assert rig.measure(cell(broken, "engine=vllm")) is None
        assert rig.measure(cell(broken, "engine=vllm", number=1)) is None
        assert starts(folder) == 2
        assert rig.measure(cell()) is not None
    reasons = [json.loads(path.read_text())["reason"] for path in sorted((tmp_path / "failures").iterdir())]
    assert len(reasons) == 2
    assert NO_SERVER in reasons
    assert any("/nowhere/model" in reason for reason in reasons)
