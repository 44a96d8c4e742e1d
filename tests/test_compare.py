"""`python -m vgate.compare` as a person or a CI job runs it, on the dry-run engine."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.harness.rows import FakeRun, steady
from vgate.compare import main
from vgate.config import ConfigError
from vgate.harness.results import load_run

QUICK = [
    "+preset=dry_run",
    "engine.prefill_tokens_per_s=4000",
    "cache=none",
    "workload.prompt_tokens=16",
    "workload.output_tokens=8",
    "load.users=3",
    "trial.warmup_s=0.1",
    "trial.duration_s=0.5",
    "trial.cooldown_s=0",
    "trial.certify=false",
]


def compare(results: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "vgate.compare", *words, *QUICK, f"trial.results_dir={results}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def only_run(results: Path) -> Path:
    (run,) = results.iterdir()
    return run


@pytest.fixture(scope="module")
def slowed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, "subprocess.CompletedProcess[str]"]:
    """An engine that takes twice as long: two engines, so two servers."""
    results = tmp_path_factory.mktemp("slowed")
    words = [
        "",
        "engine.decode_step_ms=10 engine.prefill_tokens_per_s=2000",
        "--metric",
        "e2e_p50",
        "--max-rounds",
        "3",
    ]
    done = compare(results, *words, "--json", "engine.decode_step_ms=5")
    return only_run(results), done


def test_a_slower_engine_is_worse(slowed: tuple[Path, Any]) -> None:
    run, done = slowed
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"]) == (1, "worse"), found
    assert 0.3 < found["change"] < 1.2
    assert found["servers"] == "both up"
    assert [path.name for path in sorted((run / "logs").glob("server-*"))] == ["server-1.log", "server-2.log"]
    assert json.loads((run / "comparison.json").read_text(encoding="utf-8")) == found


def test_its_folder_is_a_run_like_others(slowed: tuple[Path, Any]) -> None:
    """Rows, configurations and circumstances; both of a pair were asked the same, one right after the other."""
    run = load_run(slowed[0])
    assert run.manifest["finished"]
    assert run.manifest["sessions"][0]["command"].startswith("python -m vgate.compare '' 'engine.decode_step_ms=10")
    asked = [(result.about["side"], result.about["seed"]) for result in run.results]
    assert len(asked) >= 8
    for (side, seed), (other, same) in zip(asked[::2], asked[1::2], strict=True):
        assert {side, other} == {"A", "B"}
        assert seed == same


def test_the_same_is_the_same_and_measured_once(tmp_path: Path) -> None:
    words = ["", "", "--metric", "e2e_p50", "--margin", "30%", "engine.decode_step_ms=5"]
    first = compare(tmp_path, *words)
    assert first.returncode == 0, first.stdout
    assert first.stdout.startswith("B is the same as A within 30.0%: e2e_ms_p50 changes by")
    assert "A and B are the same configuration in effect" in first.stdout
    before = {result.about["key"]: result.about["started_utc"] for result in load_run(only_run(tmp_path)).results}
    again = compare(tmp_path, *words)
    assert again.stdout == first.stdout
    after = {result.about["key"]: result.about["started_utc"] for result in load_run(only_run(tmp_path)).results}
    assert after == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([""], "A and B are needed"),
        (["", "batch=lockstp"], "did you mean batch=lockstep?"),
        (["", "", "--margin", "2 percent"], "--margin = '2 percent'"),
        (["", "", "--margin=-1%"], "must be a share from 0 to 1"),
        (["", "", "--max-rounds", "0"], "--max-rounds = 0"),
        (["", "", "trial.rounds=3"], "see --max-rounds"),
    ],
)
def test_wrong_settings(words: list[str], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["compare", *words])
    with pytest.raises(ConfigError) as error:
        main()
    assert told in str(error.value)


def test_a_wrong_setting_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    done = compare(tmp_path, "", "", "--metric", "ttft")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "--metric = 'ttft' (from the command line): unknown option" in done.stderr
    assert not list(tmp_path.iterdir())


def test_finished_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, count in (("a", 50), ("b", 60)):
        run = FakeRun(tmp_path / name)
        for number in range(3):
            run.add(steady(count + number), round=number)
    monkeypatch.setattr(sys, "argv", ["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--json"])
    assert main() == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "better"
    assert found["paired"] is False


def test_a_run_and_a_configuration_do_not_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FakeRun(tmp_path / "a").add(steady(50))
    monkeypatch.setattr(sys, "argv", ["compare", str(tmp_path / "a"), "batch=lockstep"])
    with pytest.raises(ConfigError, match=r"no manifest\.json there"):
        main()


def test_a_program_that_breaks_does_not_say_that_b_is_worse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python's own exit code for an error is 1."""

    def breaks(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr("vgate.harness.comparing.session.hold", breaks)
    monkeypatch.setattr(sys, "argv", ["compare", "", "", *QUICK, f"trial.results_dir={tmp_path}"])
    assert main() == 4
    assert "RuntimeError: out of order" in capsys.readouterr().err


def test_runs_that_were_not_asked_the_same_are_a_wrong_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, users in (("a", 1), ("b", 2)):
        FakeRun(tmp_path / name).add(steady(50), load={"users": users})
    monkeypatch.setattr(sys, "argv", ["compare", str(tmp_path / "a"), str(tmp_path / "b")])
    with pytest.raises(ConfigError, match=r"were not asked the same, load\.users \(1 and 2\)"):
        main()
