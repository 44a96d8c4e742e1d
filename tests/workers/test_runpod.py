"""`python -m vgate.workers.runpod` against a stand-in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workers import runpod_server
from tests.workers.runpod_server import KEY, RunpodServer, pod
from vgate.config.workers_schema import read_workers
from vgate.workers import runpod
from vgate.workers.runpod_api import RunpodError, _pod


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunpodServer]:
    monkeypatch.setenv("RUNPOD_API_KEY", KEY)
    with runpod_server.running() as server:
        yield server


def ran(server: RunpodServer, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = runpod.main([*arguments, "--api", server.api])
    out, err = capsys.readouterr()
    assert KEY not in out + err
    return code, out, err


def written(path: Path) -> list[dict[str, Any]]:
    return [worker.model_dump(exclude_defaults=True) for worker in read_workers(path.read_bytes())]


def test_pods_and_what_they_cost(server: RunpodServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.pods = {
        "a1": pod("a1"),
        "b2": pod("b2", desiredStatus="EXITED", volumeInGb=50),
        "c3": pod("c3", adjustedCostPerHr=None, ports=["22/tcp"], volumeInGb=0, networkVolumeId="n"),
    }
    code, out, err = ran(server, capsys, "list")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "a1  vgate-a1  RUNNING  1 x RTX 4090  $0.69/h  20 GB volume  https://a1-8000.proxy.runpod.net",
        "b2  vgate-b2  EXITED  1 x RTX 4090  $0.69/h  50 GB volume",
        "c3  vgate-c3  RUNNING  1 x RTX 4090  $0.74/h  no volume and a network volume  port 8000 is not exposed",
        "2 of 3 running: $1.43 an hour, $34.32 a day; 50 GB of volumes of stopped pods cost too",
    ]


def test_the_file_has_the_running_pods_and_names_of_keys_only(
    server: RunpodServer, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POD_KEY", "sk-pod")
    server.pods = {
        "a1": pod("a1"),
        "b2": pod("b2", desiredStatus="EXITED"),
        "c3": pod("c3", ports=["8000/tcp"], portMappings={"8000": 12345}),
        "d4": pod("d4", name="somebody's"),
    }
    path = tmp_path / "workers.yaml"
    options = ("--write", str(path), "--prefix", "vgate-", "--worker-key-env", "POD_KEY")
    assert ran(server, capsys, "list", *options)[0] == 0
    assert written(path) == [
        {"url": "https://a1-8000.proxy.runpod.net", "name": "runpod-a1", "key_env": "POD_KEY"},
        {"url": "http://100.65.0.119:12345", "name": "runpod-c3", "key_env": "POD_KEY"},
    ]
    assert "sk-pod" not in path.read_text()
    assert [found.name for found in tmp_path.iterdir()] == ["workers.yaml"], "nothing is left beside it"


def test_start_and_stop(server: RunpodServer, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    server.pods = {"a1": pod("a1"), "b2": pod("b2", desiredStatus="EXITED")}
    path = tmp_path / "workers.yaml"
    code, out, _ = ran(server, capsys, "start", "b2", "--write", str(path))
    assert code == 0
    assert "b2 started: it costs from now on" in out
    assert [worker["name"] for worker in written(path)] == ["runpod-a1", "runpod-b2"]
    code, out, _ = ran(server, capsys, "stop", "b2", "a1", "--write", str(path), "--drain-s", "0")
    assert code == 0
    assert out.count("its volume does until the pod is deleted") == 2
    assert "0 of 2 running: $0.00 an hour" in out
    assert written(path) == []


def test_a_pod_is_out_of_the_file_before_it_is_stopped(
    server: RunpodServer, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.pods = {"a1": pod("a1")}
    path, seen = tmp_path / "workers.yaml", []
    monkeypatch.setattr("time.sleep", lambda seconds: seen.append((seconds, written(path), list(server.asked))))
    ran(server, capsys, "stop", "a1", "--write", str(path))
    assert seen == [(30.0, [], ["GET /v1/pods"])]
    assert server.pods["a1"]["desiredStatus"] == "EXITED"


@pytest.mark.parametrize(
    ("instead", "why"),
    [
        ((500, b"no\nmachines"), "RunPod answers 500 no machines"),
        ((200, b"<html>"), "RunPod's answer is not JSON"),
        ((200, b"{}"), "RunPod's list of pods is no list"),
        ((200, b"[{}]"), "RunPod lists a pod without an id"),
    ],
)
def test_what_goes_wrong_is_one_line_and_leaves_the_file(
    server: RunpodServer, capsys: pytest.CaptureFixture[str], tmp_path: Path, instead: tuple[int, bytes], why: str
) -> None:
    path = tmp_path / "workers.yaml"
    path.write_text("[]")
    server.instead = instead
    code, out, err = ran(server, capsys, "list", "--write", str(path))
    assert (code, out) == (1, "")
    assert err.startswith("runpod: ")
    assert why in err
    assert err.count("\n") == 1
    assert path.read_text() == "[]"


def test_the_key_comes_from_a_file_or_the_environment(
    server: RunpodServer, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNPOD_API_KEY", "wrong")
    assert "RunPod refuses the API key (401)" in ran(server, capsys, "list")[2]
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    assert ran(server, capsys, "list", "--api-key-file", str(path))[0] == 0
    path.write_text("two words")
    assert "printable ASCII" in ran(server, capsys, "list", "--api-key-file", str(path))[2]
    monkeypatch.delenv("RUNPOD_API_KEY")
    assert "the variable RUNPOD_API_KEY is not set" in ran(server, capsys, "list")[2]


def test_unknown_pods_and_nobody_there(server: RunpodServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert "RunPod answers 404" in ran(server, capsys, "start", "zz")[2]
    server.api = "http://127.0.0.1:9/v1"
    assert "ConnectError" in ran(server, capsys, "list")[2]


@pytest.mark.parametrize("wrong", ["../other", "a/b", "", "a b"])
def test_ids_do_not_lead_elsewhere(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        runpod.main(["stop", wrong])
    assert "is no id of a pod" in capsys.readouterr().err


def test_a_cost_that_is_not_told() -> None:
    made = _pod(pod("a", adjustedCostPerHr=None, costPerHr=None, gpu=None))
    assert (made.cost, made.gpu) == (None, "")
    assert runpod.bill([made]).endswith("and more that RunPod does not tell")
    with pytest.raises(RunpodError):
        _pod([])
