import copy
from pathlib import Path
from typing import Any

import pytest

from vgate.harness.cells import expand
from vgate.harness.circumstances import circumstances, differences, mixed, source_digest

NOW: dict[str, Any] = {
    "command": "python -m vgate.replay results/x",
    "git": {"commit": "c0ffee", "changed": False},
    "packages": {"torch": "2.14.0", "locust": "2.47.0"},
    "machine": {"cpu": "EPYC", "kernel": "6.9", "load_1min_at_start": 3.0},
}


def test_every_difference_of_the_circumstances_has_a_line() -> None:
    then = {
        "command": "python -m vgate.bench",
        "wall_s": 12.0,
        "git": {"commit": "decade", "changed": False},
        "packages": {"torch": "2.13.0", "pandas": "3.0"},
        "machine": {"cpu": "EPYC", "kernel": "6.8", "load_1min_at_start": 0.1},
    }
    assert differences([then], NOW) == [
        "git.commit: decade, now c0ffee",
        "machine.kernel: 6.8, now 6.9",
        "packages.locust: None, now 2.47.0",
        "packages.pandas: 3.0, now None",
        "packages.torch: 2.13.0, now 2.14.0",
    ]


def test_the_same_circumstances_and_several() -> None:
    assert differences([NOW, NOW], NOW) == []
    other = NOW | {"machine": {**NOW["machine"], "kernel": "6.8"}}
    assert differences([other, NOW], NOW) == ["machine.kernel: 6.8 and 6.9, now 6.9"]


@pytest.mark.parametrize(
    ("where", "value", "told"),
    [
        (("packages", "torch"), "2.13.0", "packages.torch: 2.13.0, now 2.14.0"),
        (("machine", "cpu"), "Xeon", "machine.cpu: Xeon, now EPYC"),
        (("machine", "kernel"), "6.8", "machine.kernel: 6.8, now 6.9"),
        (("source",), "abc", "source: abc, now None"),
        (("models", "a/b"), "c0ffee", ""),  # not there now: its server will load it
        (("git", "commit"), "decade", ""),  # `source` says whether it is other code
        (("environment", "OMP_NUM_THREADS"), "1", ""),  # that is another cell
        (("machine", "load_1min_at_start"), 0.0, ""),
    ],
)
def test_what_should_not_be_mixed_in_one_run(where: tuple[str, ...], value: Any, told: str) -> None:
    then = copy.deepcopy(NOW)
    inner = then
    for name in where[:-1]:
        inner = inner.setdefault(name, {})
    inner[where[-1]] = value
    assert mixed([then], NOW) == ([told] if told else [])


def test_a_model_that_has_changed_on_the_hub_is_another() -> None:
    then, now = (NOW | {"models": {"a/b": commit}} for commit in ("c0ffee", "decade"))
    assert mixed([then], now) == ["models.a/b: c0ffee, now decade"]
    assert mixed([NOW, now], now) == []


def test_circumstances_hold_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["engine=dry_run", "cache=redis", "cache.url=redis://:hunter2@h"]
    monkeypatch.setenv("VLLM_API_KEY", "hunter2")
    monkeypatch.setenv("VLLM_USE_V2", "1")
    found = circumstances(words, expand(words, multirun=False))
    assert "hunter2" not in str(found)
    assert found["command"] == "python -m vgate.bench engine=dry_run cache=redis 'cache.url=redis://***@h'"
    assert found["environment"]["VLLM_USE_V2"] == "1"


def test_the_command_of_a_script_neither() -> None:
    found = circumstances(
        ["--kills=5", "cache.url=redis://:hunter2@h"], [], str(Path("experiments/sweep_cost.py").resolve())
    )
    assert found["command"] == "python experiments/sweep_cost.py --kills=5 'cache.url=redis://***@h'"


def test_a_preset_that_a_bench_has_written_is_no_other_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vgate.harness.circumstances.conf_dir", lambda: tmp_path)
    (tmp_path / "preset").mkdir()
    before = source_digest()
    (tmp_path / "preset" / "mine.yaml").write_text("batch: {}\n", encoding="utf-8")
    assert source_digest() == before
    (tmp_path / "bench.yaml").write_text("trial: {}\n", encoding="utf-8")
    assert source_digest() != before
