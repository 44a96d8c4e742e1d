"""Reloading real servers: what holds then, and what is told."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from tests.api.edited import ADMIN, CHAT, FAST, Edited, body, editing
from tests.servers import Server, running


@pytest.fixture
def edited(tmp_path: Path) -> Iterator[Edited]:
    with editing(tmp_path) as edited:
        yield edited


def test_what_the_file_says_holds_and_is_told(edited: Edited) -> None:
    graph = edited.server.find("listening")[0]["graph"]
    assert [edited.ask().headers["x-vgate-cache"] for _ in range(2)] == ["miss", "hit"]
    server = {"max_body_bytes": 500, "port": 1}
    edited.write(cache="lru", queue={"max_waiting": 7}, server=server, logging={"level": "DEBUG"})
    answer = edited.reload()
    assert answer.status_code == 200
    told = answer.json()
    assert told["changed"] == ["logging.level", "queue.max_waiting", "server.max_body_bytes"]
    assert told["needs_restart"] == []  # the command line says which port
    assert told["graph"] != graph
    assert edited.ask().headers["x-vgate-cache"] == "hit", "the cache was not touched"
    assert edited.ask(user="x" * 500).status_code == 413
    httpx.get(f"{edited.server.base_url}/health")
    edited.server.wait_for("request done", endpoint="/health")  # only at DEBUG
    line = edited.server.wait_for("configuration reloaded")[0]
    assert (line["changed"], line["graph"]) == (told["changed"], told["graph"])
    edited.write(cache="none", model={"max_num_seqs": 3}, engine={"prefill_tokens_per_s": 5.0})
    told = edited.reload().json()
    assert "cache" in told["changed"]
    assert told["needs_restart"] == ["engine.prefill_tokens_per_s", "model.max_num_seqs"]
    assert edited.server.wait_for("configuration needs a restart")[0]["keys"] == told["needs_restart"]
    assert edited.ask().headers["x-vgate-cache"] != "hit"
    # The swap of the harness and the reload go by the same settings.
    assert edited.server.operate("POST", "/swap", {}).json()["graph"] == told["graph"]


def test_R13_a_reload_gives_nobody_a_fresh_limit(tmp_path: Path) -> None:
    path = tmp_path / "vgate.yaml"
    keys = {"api_keys": [{"key": "sk-a", "name": "a", "rate_limit": 5}]}
    path.write_text(yaml.safe_dump({"security": {"enabled": True, **keys}}), encoding="utf-8")
    with running("+preset=dry_run", *FAST, *ADMIN, env={"VGATE_CONFIG_PATH": str(path)}) as server:
        edited = Edited(server, path)
        asked = []
        for number in range(8):
            asked.append(httpx.post(server.base_url + CHAT, json=body(), headers={"authorization": "Bearer sk-a"}))
            edited.write(security={"enabled": True, **keys}, cache={"maxsize": number + 1})
            assert "cache.maxsize" in edited.reload().json()["changed"]
        assert [answer.status_code for answer in asked] == [200] * 5 + [429] * 3


def test_R13_nor_does_a_reload_of_the_limits_themselves(tmp_path: Path) -> None:
    """One more is allowed now, so one more succeeds."""
    path = tmp_path / "vgate.yaml"

    def write(limit: int, file: Path) -> None:
        keys = [{"key_file": str(file), "name": "a", "rate_limit": limit}]
        path.write_text(yaml.safe_dump({"security": {"enabled": True, "api_keys": keys}}), encoding="utf-8")

    def ask(server: Server, key: str) -> int:
        return httpx.post(server.base_url + CHAT, json=body(), headers={"authorization": f"Bearer {key}"}).status_code

    file = tmp_path / "key"
    file.write_text("sk-first\n")
    write(2, file)
    with running("+preset=dry_run", *FAST, *ADMIN, env={"VGATE_CONFIG_PATH": str(path)}) as server:
        edited = Edited(server, path)
        assert [ask(server, "sk-first") for _ in range(3)] == [200, 200, 429]
        write(3, file)
        assert edited.reload().json()["changed"] == ["security.api_keys"]
        assert [ask(server, "sk-first") for _ in range(2)] == [200, 429]
        file.write_text("sk-second\n")  # the same file says another key: nothing of the settings is other
        assert ask(server, "sk-second") == 401
        assert edited.reload().json()["changed"] == []
        assert [ask(server, key) for key in ("sk-first", "sk-second")] == [401, 429]
        file.unlink()
        assert "cannot be read" in edited.reload().json()["error"]["message"]
        assert ask(server, "sk-second") == 429


def test_ones_own_preset_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preset = tmp_path / "conf" / "preset" / "mine.yaml"
    preset.parent.mkdir(parents=True)
    text = "# @package _global_\ndefaults:\n  - override /engine: dry_run\nqueue: {max_waiting: %d}\n"
    preset.write_text(text % 5)
    monkeypatch.chdir(tmp_path)
    with running("+preset=mine") as server:
        preset.write_text(text % 6)
        assert server.operate("POST", "/reload").json()["changed"] == ["queue.max_waiting"]
        preset.unlink()
        assert "preset" in server.operate("POST", "/reload").json()["error"]["message"]


def test_a_resolved_file_is_read_again_and_a_pipe_is_not(tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VGATE_")}
    command = [sys.executable, "-m", "vgate.serve", "+preset=dry_run", "server.port=0", "--cfg", "job"]
    container = yaml.safe_load(subprocess.run(command, capture_output=True, check=True, env=clean).stdout)
    path = tmp_path / "resolved.yaml"
    path.write_text(yaml.safe_dump(container))
    with running("--resolved", str(path)) as server:
        container["queue"]["max_waiting"] = 7
        path.write_text(yaml.safe_dump(container))
        assert server.operate("POST", "/reload").json()["changed"] == ["queue.max_waiting"]
        path.unlink()
        assert "is no file that can be read again" in server.operate("POST", "/reload").json()["error"]["message"]
