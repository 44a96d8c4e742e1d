"""Two workers of real vLLM behind a gateway: where a request goes decides what their prefix caches find."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.long
@pytest.mark.vllm
def test_prefix_affinity_raises_the_hit_rate_over_round_robin(tmp_path: Path) -> None:
    command = [sys.executable, "experiments/prefix_hits_workers.py", "--seconds=8", "--workloads", "multi_turn"]
    done = subprocess.run(
        [*command, f"--results={tmp_path}"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    by_turns, where_known = json.loads(done.stdout.splitlines()[-1])
    assert (by_turns["routing"], where_known["routing"]) == ("round_robin", "prefix_affinity")
    assert min(by_turns["requests"], where_known["requests"]) >= 10
    assert where_known["vllm"] / where_known["one_cache"] > by_turns["vllm"] / by_turns["one_cache"] + 0.1
    assert where_known["vllm"] >= 0.9 * where_known["one_cache"]
