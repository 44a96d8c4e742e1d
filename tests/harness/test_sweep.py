"""Sweeps on the dry-run engine, with real processes: dropped cells, and kill -9 at any moment."""

import os
import random
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.benches import QUICK, SHORT, bench, children, command, gone, only_run, undisturbed, wait_until
from vgate.harness.files import read_json
from vgate.harness.results import Result, Run, load_run
from vgate.harness.verdict import judge

SECRET = "sk-very-secret"
KEYS = ["security=keys", f"security.api_keys=[{{key: {SECRET}, name: bench, rate_limit: 100000}}]"]
# One at a time against eight at once: eight times slower, whatever this machine does meanwhile.
APART = [
    *SHORT, "load.users=8", "engine.decode_step_ms=10", "workload.output_tokens=8", "trial.rounds=5", "slo=none",
    "-m", "batch=passthrough,lockstep", "batch.max_batch_size=1",
]  # fmt: skip
LOCKSTEP = {"batch": "lockstep"}


@pytest.fixture(scope="module")
def pruned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The results folder of a sweep of five rounds, of which one strategy had three, and what it said."""
    results = tmp_path_factory.mktemp("pruned")
    return results, undisturbed(results, 8, *APART)


def rounds(run: Run, axes: dict[str, str]) -> list[int]:
    return sorted(result.about["round"] for result in run.results if result.about["axes"] == axes)


def test_who_is_surely_worse_is_dropped_after_three_rounds_and_it_is_told(pruned: tuple[Path, Any]) -> None:
    results, done = pruned
    run = load_run(only_run(results))
    assert rounds(run, {"batch": "passthrough"}) == [0, 1, 2, 3, 4]
    assert rounds(run, LOCKSTEP) == [0, 1, 2]
    (told,) = run.dropped.values()
    assert told.startswith("batch=lockstep was dropped after 3 rounds: surely at least")
    assert told.endswith("fewer output tokens/s than batch=passthrough")
    assert told in done.stderr
    assert told in done.stdout
    assert told in (run.path / "report.html").read_text(encoding="utf-8")
    assert "2 measurements less" in done.stderr


def test_the_dropped_take_no_part_in_the_verdict(pruned: tuple[Path, Any]) -> None:
    verdict = judge(load_run(only_run(pruned[0])))
    assert verdict.winner == "batch=passthrough"
    assert verdict.headline.startswith("batch=passthrough is best: ")


def test_running_again_measures_nothing(pruned: tuple[Path, Any]) -> None:
    before = stamps(pruned[0])
    again = bench(pruned[0], *APART)
    if len(before) == 8:  # none INVALID, which would be measured again
        assert "8 of 10 cells, all that were not dropped, are there already" in again.stderr
    assert stamps(pruned[0]).items() >= before.items()
    assert len(load_run(only_run(pruned[0])).dropped) == 1


def test_a_wider_sweep_takes_what_another_run_has_measured(pruned: tuple[Path, Any]) -> None:
    """Asked for it: eight cells are there, under other axes; the two rounds of a third strategy are measured."""
    before = stamps(pruned[0])
    wider = [word.replace("passthrough,lockstep", "passthrough,time_window").replace("=5", "=2") for word in APART]
    done = bench(pruned[0], *wider, "trial.reuse=true", "trial.name=wider")
    assert "2 cells are taken from trial-" in done.stderr
    assert "2 of 4 cells to measure" in done.stderr
    assert "2 measurements are from earlier runs" in done.stdout
    (run,) = (load_run(path) for path in pruned[0].glob("wider-*"))
    taken = [result for result in run.results if "taken_from" in result.about]
    assert {result.about["axes"]["batch"] for result in taken} == {"passthrough"}
    assert {result.about["started_utc"] for result in taken} <= set(before.values())
    shutil.rmtree(run.path)


def test_without_pruning_the_rest_is_measured(pruned: tuple[Path, Any]) -> None:
    """After the others: it adds to the same run."""
    before = stamps(pruned[0])
    bench(pruned[0], *APART, "trial.prune=false")
    run = load_run(only_run(pruned[0]))
    assert rounds(run, LOCKSTEP) == [0, 1, 2, 3, 4]
    assert run.dropped == {}
    assert stamps(pruned[0]).items() >= before.items()


def stamps(results: Path) -> dict[str, str]:
    """When each finished cell was measured that need not be measured again: a busy machine makes some INVALID."""
    found = [Result.read(path.parent) for path in results.glob("*/cells/[!.]*/cell.json")]
    return {result.folder.name: result.about["started_utc"] for result in found if not result.invalid}


def family(pid: int) -> list[int]:
    """A process's children and theirs; none of one that has ended."""
    with suppress(FileNotFoundError):
        return [member for child in children(pid) for member in (child, *family(child))]
    return []


def killed(words: list[str], environ: dict[str, str], after_s: float) -> None:
    """Run a command and kill it; nothing of it may be left running."""
    with subprocess.Popen(words, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        with suppress(subprocess.TimeoutExpired):
            process.wait(after_s)
        members = family(process.pid)
        os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: all(gone(member) for member in members))


def test_killed_at_five_moments_and_continued_it_loses_and_repeats_no_cell(tmp_path: Path) -> None:
    results, temporary = tmp_path / "r", tmp_path / "t"
    temporary.mkdir()
    environ = {**os.environ, "TMPDIR": str(temporary)}
    axes = ["-m", "batch=passthrough,lockstep", "engine.max_num_seqs=8,16", "trial.rounds=2"]
    words = command(results, *QUICK, *KEYS, *axes)
    draw = random.Random(7)
    seen: dict[str, str] = {}
    for _ in range(5):
        killed(words, environ, draw.uniform(1, 9))
        now = stamps(results)
        assert now.items() >= seen.items()
        seen = now
    assert subprocess.run(words, env=environ, capture_output=True, check=False).returncode in (0, 1)
    assert stamps(results).items() >= seen.items()
    cells = [read_json(path) for path in results.glob("*/cells/*/cell.json")]
    assert len(cells) == len({cell["key"] for cell in cells}) == 8
    wait_until(lambda: not list(temporary.glob("vgate-*")))
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert kept == []
