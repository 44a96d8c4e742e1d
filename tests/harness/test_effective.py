from pathlib import Path

import pytest
import yaml

from vgate.config import conf_dir
from vgate.config.inert import WITHOUT_EFFECT
from vgate.harness.effective import effective


def batch(target: str, size: int) -> dict[str, object]:
    return {"batch": {"_target_": target, "max_batch_size": size, "max_wait_time_ms": 50.0}, "version": None}


def test_keys_that_passthrough_ignores_make_no_difference() -> None:
    target = "vgate.batch.passthrough.Passthrough"
    assert (
        effective(batch(target, 1)) == effective(batch(target, 8)) == {"batch": {"_target_": target}, "version": None}
    )


def test_they_do_for_lockstep() -> None:
    target = "vgate.batch.lockstep.Lockstep"
    assert effective(batch(target, 1)) != effective(batch(target, 8))


@pytest.mark.parametrize("target", sorted(WITHOUT_EFFECT))
def test_the_options_file_says_so_too(target: str) -> None:
    """Each key without effect is a key of the option's file, with a comment that tells the user."""
    _, group, option, _ = target.split(".")
    path = Path(conf_dir(), group, f"{option}.yaml")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert WITHOUT_EFFECT[target] <= yaml.safe_load(path.read_text(encoding="utf-8")).keys()
    for key in WITHOUT_EFFECT[target]:
        assert any(line.startswith(f"{key}:") and "no effect" in line for line in lines)
