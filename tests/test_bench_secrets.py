"""Keys of a bench's server: used, and kept nowhere."""

import os
import subprocess
from pathlib import Path

from tests.benches import QUICK, bench, command, only_run
from vgate.harness.results import load_run
from vgate.security.hashes import sha256_text


def test_keys_of_the_servers_configuration_are_used_and_not_kept(tmp_path: Path) -> None:
    keys = "security.api_keys=[{key: sk-very-secret, name: bench, rate_limit: 100000}]"
    bench(tmp_path, *QUICK, "security=keys", keys)
    (result,) = load_run(only_run(tmp_path)).results
    assert result.rows["error"].isna().all()
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and b"sk-very-secret" in path.read_bytes()]
    assert kept == []


def test_of_a_hashed_key_the_bench_needs_the_key_itself(tmp_path: Path) -> None:
    words = [*QUICK, "security=keys", f"security.api_keys=[{{hash: '{sha256_text('sk-very-secret')}', name: bench}}]"]
    refused = bench(tmp_path, *words)
    assert refused.returncode == 2
    assert "a bench has to send the key itself: set VGATE_API_KEY" in refused.stderr
    bench(tmp_path, *words, "security.rate_limiting.enabled=false", VGATE_API_KEY="sk-very-secret")
    (result,) = load_run(only_run(tmp_path)).results
    assert result.rows["error"].isna().all()


def test_O6_nothing_secret_is_in_any_name_or_file_of_a_run(tmp_path: Path) -> None:
    """Given as axes, in the environment, and with a quote in it. Nobody answers at these places, and that is told."""
    urls = "cache.url=redis://:hunter2@127.0.0.1:1,redis://:hunter2@127.0.0.1:2"
    words = [*QUICK, "-m", "cache=redis", urls, "security=keys", 'security.api_keys=[{key: "hunter2\'x", name: a}]']
    environment = {**os.environ, "VLLM_API_KEY": "hunter2", "HF_TOKEN": "hunter2"}
    done = subprocess.run(command(tmp_path, *words), capture_output=True, text=True, check=False, env=environment)
    run = load_run(only_run(tmp_path))
    found = [result.about["axes"] for result in run.results] + [failure["axes"] for failure in run.failed]
    assert {axes["cache.url"] for axes in found} == {f"redis://***@127.0.0.1:{port}" for port in (1, 2)}
    assert "hunter2" not in done.stdout + done.stderr
    for path in tmp_path.rglob("*"):
        assert "hunter2" not in str(path)
        assert not path.is_file() or b"hunter2" not in path.read_bytes(), path
