"""The rig on the dry-run engine, with real processes."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from vgate.harness.cells import Cell, single
from vgate.harness.certificate import load
from vgate.harness.layout import CERTIFICATE
from vgate.harness.progress import Progress
from vgate.harness.rig import NO_SERVER, Rig
from vgate.harness.store import RunFolder

TRIAL = ["trial.warmup_s=0", "trial.duration_s=0.5", "trial.cooldown_s=0", "trial.certify=false"]
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


def test_an_engine_that_cannot_start_is_tried_once(folder: RunFolder, tmp_path: Path) -> None:
    broken = "model.model_id=/nowhere/model"
    with Rig(folder, Progress([], io.StringIO())) as rig:
        assert rig.measure(cell(broken, "engine=vllm")) is None
        assert rig.measure(cell(broken, "engine=vllm", number=1)) is None
        assert starts(folder) == 1
        assert rig.measure(cell()) is not None
    reasons = [json.loads(path.read_text())["reason"] for path in sorted((tmp_path / "failures").iterdir())]
    assert len(reasons) == 2
    assert NO_SERVER in reasons
    assert any("/nowhere/model" in reason for reason in reasons)
