"""`python -m vgate.capacity` as a person runs it, on the dry-run engine. What it decides: tests/harness/capacity."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from vgate import capacity
from vgate.config import ConfigError, compose
from vgate.harness.results import load_run

# Prefill takes a fifth of a second, so about five requests per second are too many.
ENGINE = ["+preset=dry_run", "engine.prefill_tokens_per_s=200", "engine.decode_step_ms=2"]
LOAD = ["load.rate=3", "workload.prompt_tokens=36", "workload.output_tokens=4", "slo=chat"]
SHORT = [
    "trial.certify=false",
    "trial.warmup_s=0.3",
    "trial.cooldown_s=0",
    "capacity.shortest_s=1.5",
    "capacity.longest_s=3",
]
SEARCH = [*ENGINE, *LOAD, *SHORT, "capacity.percentile=50", "capacity.max_minutes=0.1"]


def command(results: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "vgate.capacity", *SEARCH, f"trial.results_dir={results}", *words]


def stamps(results: Path) -> dict[str, str]:
    """When each window was measured."""
    return {
        path.parent.name: str(json.loads(path.read_text(encoding="utf-8"))["started_utc"])
        for path in results.glob("*/cells/[!.]*/cell.json")
    }


def killed(results: Path, windows: int) -> dict[str, str]:
    """Begin a search and kill it with SIGKILL once so many windows are finished."""
    process = subprocess.Popen(command(results), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 200
    while len(stamps(results)) < windows:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return stamps(results)


def test_a_killed_search_goes_on_and_gives_its_answer(tmp_path: Path) -> None:
    """No finished window is measured again; words, JSON and cells agree."""
    kept = killed(tmp_path, 2)
    done = subprocess.run(command(tmp_path, "--json"), capture_output=True, text=True, check=False)
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if told["exact_enough"] else 1)
    after = stamps(tmp_path)
    assert after.items() >= kept.items()
    assert len(after) == len(told["windows"]) > len(kept)
    (folder,) = tmp_path.iterdir()
    assert json.loads((folder / "capacity.json").read_text(encoding="utf-8")) == told
    run = load_run(folder)
    assert run.manifest["finished"]
    assert [session["command"].split()[:3] for session in run.manifest["sessions"]] == 2 * [
        ["python", "-m", "vgate.capacity"]
    ]
    assert sum(len(result.rows) for result in run.results) == told["requests_sent"]
    assert {result.about["axes"]["load.rate"] for result in run.results} >= {
        f"{one['rate']:g}" for one in told["rates"]
    }
    again = subprocess.run(command(tmp_path), capture_output=True, text=True, check=False)
    assert told["words"][0] in again.stdout
    assert stamps(tmp_path) == after


def checked(*overrides: str) -> None:
    capacity._checked(compose("capacity", ["+preset=dry_run", *overrides], {}))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["load=closed"], "load = 'vgate.load.closed.Closed' (from the command line): a capacity is a Poisson rate"),
        (["slo=none"], "slo = 'none' (from the command line): a capacity is held to targets; choose some, slo=chat"),
        (["trial.rounds=3"], "trial.rounds = 3 (from the command line): the search chooses it"),
        (["trial.duration_s=3"], "trial.duration_s = 3.0 (from the command line): the search chooses it"),
        (["load.rate=2000"], "load.rate = 2000.0 (from the command line): the search begins there; must be from"),
        (["capacity.percentile=99.99"], "capacity.percentile = 99.99 (from the command line): must be less than"),
        (["capacity.tolerence=0.1"], "did you mean capacity.tolerance?"),
    ],
)
def test_a_wrong_setting_is_said(no_settings: pytest.MonkeyPatch, words: list[str], line: str) -> None:
    with pytest.raises(ConfigError) as error:
        checked(*words)
    assert line in str(error.value)


def test_the_defaults_are_right() -> None:
    checked()


def test_the_folder_is_of_what_is_measured() -> None:
    """More minutes or another tolerance go on in the same folder; another engine does not."""

    def name(*words: str) -> str:
        return capacity._name(compose("capacity", ["+preset=dry_run", *words], {}))

    assert name() == name("capacity.max_minutes=5", "capacity.tolerance=0.1", "trial.results_dir=elsewhere")
    assert len({name(), name("engine.decode_step_ms=3"), name("slo.ttft_ms=100"), name("load.rate=20")}) == 4
