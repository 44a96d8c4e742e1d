"""`python -m vgate.serve` as a program: its options, its exit codes, its start and its end."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml

from tests.servers import running


def serve(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VGATE_")}
    command = [sys.executable, "-m", "vgate.serve", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**clean, **environment}
    )


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (["batch.max_batchsize=3"], {}, "batch.max_batchsize = 3 (from the command line): unknown key, did you mean"),
        (["batch=lockstp"], {}, "did you mean batch=lockstep?"),
        (["+preset=cup"], {}, "did you mean preset=cpu?"),
        (["batch.max_batch_size=1,2"], {}, "python -m vgate.bench -m"),
        (["--port", "8000"], {}, "--help"),
        (["--resolved", "nowhere.yaml"], {}, "--resolved = 'nowhere.yaml'"),
        ([], {"VGATE_BATCH__MAX_BATCH_SIZE": "0"}, "VGATE_BATCH__MAX_BATCH_SIZE"),
        ([], {"VGATE_CONFIG_PATH": "nowhere.yaml"}, "VGATE_CONFIG_PATH = 'nowhere.yaml'"),
    ],
)
def test_wrong_setting_ends_with_one_line_and_exit_code_2(
    arguments: list[str], environment: dict[str, str], told: str
) -> None:
    done = serve(*arguments, **environment)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert told in done.stderr
    assert not done.stdout


def test_cfg_job_shows_the_result_without_keys() -> None:
    done = serve("+preset=classic", "security=keys", "security.api_keys=[{key: sk-secret, name: a}]", "--cfg", "job")
    shown = yaml.safe_load(done.stdout)
    assert shown["batch"]["_target_"] == "vgate.batch.lockstep.Lockstep"
    assert shown["security"]["api_keys"][0]["name"] == "a"
    assert "sk-secret" not in done.stdout


def test_shown_configuration_starts_the_same_server(tmp_path: Path) -> None:
    shown = serve("+preset=dry_run", "server.port=0", "batch=time_window", "--cfg", "job").stdout
    file = tmp_path / "resolved.yaml"
    file.write_text(shown, encoding="utf-8")
    assert serve("--resolved", str(file), "--cfg", "job").stdout == shown


def test_taken_port_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = serve("+preset=dry_run", f"server.port={taken.getsockname()[1]}")
    assert done.returncode == 2
    assert "Address already in use" in done.stderr


def test_admin_socket_that_cannot_be_is_told_in_one_line() -> None:
    done = serve("+preset=dry_run", "server.port=0", "--admin-socket", "/nowhere/admin.sock")
    assert done.returncode == 2
    assert done.stderr == "vgate: --admin-socket = '/nowhere/admin.sock': No such file or directory\n"


def test_missing_model_is_told_at_once_and_how_to_build_it() -> None:
    done = serve("+preset=cpu", "server.port=0", "model.model_id=models/none")
    assert done.returncode == 1
    assert done.stderr.startswith("vgate: the engine could not be started: model.model_id = 'models/none'")
    assert "python -m vgate.models.tiny" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_help_lists_groups_and_options() -> None:
    done = serve("--help")
    assert done.returncode == 0
    assert "adaptive, lockstep, passthrough, time_window, token_budget" in done.stdout


def test_admin_socket_is_for_its_owner_and_swaps_sections() -> None:
    with running("+preset=dry_run", "engine.decode_step_ms=1") as server:
        lockstep = {"_target_": "vgate.batch.lockstep.Lockstep", "max_batch_size": 2, "max_wait_time_ms": 1.0}
        swapped = server.admin("/swap", {"batch": lockstep}).json()
        assert swapped["ok"]
        assert swapped["graph"] != server.find("listening")[0]["graph"]
        for wrong, told in (
            ({"engine": {}}, "only these sections"),
            ({"batch": {**lockstep, "max_batch_size": 0}}, "batch.max_batch_size = 0"),
            ([1], "must be a JSON object"),
        ):
            answer = server.admin("/swap", wrong)
            assert answer.status_code == 400
            assert told in answer.json()["error"]["message"]
        body = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 2, "temperature": 0}
        url = f"{server.base_url}/v1/chat/completions"
        assert [httpx.post(url, json=body).headers["x-vgate-cache"] for _ in range(2)] == ["miss", "hit"]
        assert server.admin("/reset").status_code == 200
        assert httpx.post(url, json=body).headers["x-vgate-cache"] == "miss"
        # Not among the public routes.
        assert httpx.post(f"{server.base_url}/swap", json={}).status_code == 404


def test_log_is_one_json_object_a_line() -> None:
    with running("+preset=dry_run", "engine.decode_step_ms=1") as server:
        body = {"messages": [{"role": "user", "content": "line\nbreak"}], "max_tokens": 3, "user": "bob"}
        httpx.post(f"{server.base_url}/v1/chat/completions", json=body, headers={"X-Request-Id": "r-1"})
        line = server.wait_for("request done", request_id="r-1")[0]
        batch = server.wait_for("batch done")[0]
    assert {"timestamp", "level", "logger", "message"} <= line.keys()
    assert line["timestamp"][-5] == "."
    assert line["timestamp"].endswith("Z")
    assert line["tokens"] == 3
    assert line["user"] == "bob"
    assert "line" not in str(line.values()), "prompts are not logged"
    assert batch["prompts"] == 1
    assert batch["batch_id"] == line["batch_id"]
    assert batch["duration_s"] > 0


def shell(command: str) -> "subprocess.CompletedProcess[str]":
    """With `vgate` for `python -m vgate`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VGATE_")}
    text = command.replace("vgate.", f"{sys.executable} -m vgate.")
    return subprocess.run(["/bin/bash", "-c", text], capture_output=True, text=True, timeout=60, check=False, env=clean)


def test_without_stdout_and_stderr_it_serves_all_the_same() -> None:
    """As some supervisors start it. A connection must not get the number of either."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/ready"
    done = shell(
        f"vgate.serve +preset=dry_run server.port={port} >&- 2>&- <&- & server=$!;"
        f" for _ in $(seq 200); do curl -sf {url} && break; sleep 0.1; done; kill $server; wait $server"
    )
    assert (done.returncode, done.stdout) == (0, '{"ready":true}')


@pytest.mark.parametrize("command", ["vgate.serve +preset=dry_run --cfg job", "vgate.keys new"])
def test_what_cannot_be_written_is_told_in_one_line(command: str) -> None:
    done = shell(f"{command} > /dev/full")
    assert (done.returncode, done.stderr) == (1, "vgate: standard output: No space left on device\n")


def test_an_empty_path_and_a_name_that_is_none_are_told_in_one_line() -> None:
    done = serve("+preset=dry_run", "server.port=0", "--admin-socket", "")
    assert (done.returncode, done.stderr) == (2, "vgate: --admin-socket = '': must be a path\n")
    done = serve("+preset=dry_run", "server.port=0", f"server.host={'x' * 70}.de")
    assert done.returncode == 2
    assert done.stderr.startswith("vgate: server.host, server.port = 'xxx")
    assert len(done.stderr.splitlines()) == 1
