"""Reloading real servers: under load, with every kind of mistake, and at any moment of their life."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.servers import Server, running, start

CHAT = "/v1/chat/completions"
TOKEN = "0123456789-abcdef"
RIGHT = {"authorization": f"Bearer {TOKEN}"}
FAST = ("engine.decode_step_ms=2", "engine.decode_step_per_seq_ms=0", "engine.max_num_seqs=64")
ADMIN = ("admin=http", "admin.port=0", f"admin.token={TOKEN}")


def body(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "x"}], "temperature": 0, "max_tokens": 3, **fields}


class Edited:
    """A server with its configuration file, and its admin port."""

    def __init__(self, server: Server, path: Path) -> None:
        self.server = server
        self.path = path
        self.admin_url = f"http://127.0.0.1:{server.find('admin port listening')[0]['port']}"

    def write(self, **sections: Any) -> None:
        """All at once, as an editor does: a reload must not meet half a file."""
        scratch = self.path.with_suffix(".new")
        scratch.write_text(yaml.safe_dump(sections), encoding="utf-8")
        scratch.rename(self.path)

    def reload(self) -> httpx.Response:
        return httpx.post(f"{self.admin_url}/reload", headers=RIGHT, timeout=30)

    def ask(self, **fields: Any) -> httpx.Response:
        return httpx.post(self.server.base_url + CHAT, json=body(**fields), timeout=30)


@pytest.fixture
def edited(tmp_path: Path) -> Iterator[Edited]:
    path = tmp_path / "vgate.yaml"
    path.write_text("cache: lru\n", encoding="utf-8")
    with running("+preset=dry_run", *FAST, *ADMIN, env={"VGATE_CONFIG_PATH": str(path)}) as server:
        yield Edited(server, path)


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


BROKEN = {
    "no YAML": ("cache: [", "is not YAML"),
    "no mapping": ("- a\n", "must hold sections"),
    "no text": (b"\xff\xfe\x00", "cannot be read"),
    "unknown section": ("cash: {maxsize: 1}\n", "did you mean cache?"),
    "unknown key": ("cache: {maxsise: 1}\n", "did you mean cache.maxsize?"),
    "unknown option": ("cache: lur\n", "did you mean cache=lru?"),
    "wrong value": ("queue: {max_waiting: 0}\n", "queue.max_waiting = 0"),
    "wrong type": ("server: {deadline_ms: soon}\n", "server.deadline_ms = 'soon'"),
    "wrong in what would need a restart": ("engine: {max_num_seqs: 0}\n", "engine.max_num_seqs"),
    "a good and a bad one": ("cache: none\nbatch: {max_batch_size: 0}\n", "batch.max_batch_size = 0"),
    "keys without keys": ("security: keys\n", "security.api_keys"),
    "missing key file": (
        "security: {enabled: true, api_keys: [{key_file: /nowhere, name: a}]}\n",
        "the file /nowhere cannot be read",
    ),
    "keys for a model that is not there": (
        "security: {enabled: true, api_keys: [{key: sk-a, name: a, models: [x]}]}\n",
        "is not served",
    ),
    "missing certificate": ("server: {tls: {cert_file: /nowhere, key_file: /x}}\n", "tls.cert_file = '/nowhere'"),
    "missing token file": ("admin: {token_file: /nowhere}\n", "the file /nowhere cannot be read"),
    "all with credentials": ("server: {cors: {allow_origins: ['*'], allow_credentials: true}}\n", "allow_origins"),
}  # fmt: skip


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edited]:
    """One whose configuration is never changed, however it is tried."""
    path = tmp_path_factory.mktemp("steady") / "vgate.yaml"
    path.write_text("cache: lru\n", encoding="utf-8")
    with running("+preset=dry_run", "engine.decode_step_ms=2", *ADMIN, env={"VGATE_CONFIG_PATH": str(path)}) as server:
        yield Edited(server, path)


@pytest.mark.parametrize("name", [*BROKEN, "no file"])
def test_a_broken_one_changes_nothing_and_says_so(steady: Edited, name: str) -> None:
    content, told = BROKEN.get(name, ("", "cannot be read"))
    graph = steady.server.find("listening")[0]["graph"]
    steady.ask()
    steady.path.unlink(missing_ok=True)
    if name in BROKEN:
        steady.path.write_bytes(content if isinstance(content, bytes) else content.encode())
    steady.server.lines[:] = steady.server.find("listening") + steady.server.find("admin port listening")
    answer = steady.reload()
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], "\n" in error["message"]) == ("invalid_configuration", False)
    assert told in error["message"]
    line = steady.server.wait_for("configuration not reloaded")[0]
    assert (line["level"], line["error"]) == ("error", error["message"])
    steady.server.process.send_signal(signal.SIGHUP)
    steady.server.wait_for("configuration not reloaded", count=2)
    assert steady.server.operate("POST", "/swap", {}).json()["graph"] == graph
    assert steady.ask().headers["x-vgate-cache"] == "hit"
    assert httpx.get(f"{steady.server.base_url}/ready").status_code == 200
    steady.path.write_text("cache: lru\n", encoding="utf-8")
    assert steady.reload().json()["changed"] == []


# What the file says in turn while requests come and go.
TURNS: list[dict[str, Any]] = [
    {"batch": "lockstep", "cache": "none", "queue": {"max_waiting": 900}},
    {"batch": "time_window", "cache": "ttl", "dedup": "single_flight"},
    {"batch": "token_budget", "cache": "tinylfu", "queue": "fair", "server": {"deadline_ms": 60000.0}},
    {"cache": {"maxsize": 3}, "dedup": "batch", "security": {"rate_limiting": {"default_limit": 1_000_000}}},
    {"batch": "adaptive", "queue": "priority", "security": {"rate_limiting": {"default_limit": 999_999}}},
    {"logging": {"level": "WARNING"}, "server": {"cors": {"allow_origins": ["*"]}}},
    {"server": {"max_body_bytes": 100_000, "shutdown_grace_s": 20.0}, "security": {"exempt_paths": ["/health"]}},
    {"queue": {"max_waiting": 0}},  # wrong
]
SECURED = {"enabled": True, "api_keys": [{"key": "sk-a", "name": "a"}], "rate_limiting": {"default_limit": 1_000_000}}


def said(lines: list[str]) -> str:
    """The text of a stream."""
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line != "data: [DONE]"]
    return "".join(choice["delta"].get("content", "") for event in events for choice in event.get("choices", []))


async def keep_asking(client: httpx.AsyncClient, number: int, done: asyncio.Event, seen: "Counter[str]") -> None:
    """Streams and whole answers in turn, equal ones and others, until the reloads are done."""
    turn = 0
    while not done.is_set():
        turn += 1
        text = f"{number} {turn}" if turn % 3 else "the same"
        fields = {"messages": [{"role": "user", "content": text}], "max_tokens": 20 + 60 * (turn % 2)}
        if (number + turn) % 2:
            async with client.stream("POST", CHAT, json=body(**fields, stream=True)) as response:
                lines = [line async for line in response.aiter_lines() if line]
            good = lines[-1] == "data: [DONE]" and len(said(lines).split()) == fields["max_tokens"]
            seen["stream" if good else f"bad: {response.status_code} {lines[-1]}"] += 1
        else:
            response = await client.post(CHAT, json=body(**fields))
            good = response.status_code == 200 and response.json()["usage"]["completion_tokens"] == fields["max_tokens"]
            seen["whole" if good else f"bad: {response.status_code} {response.text}"] += 1


async def keep_reloading(edited: Edited, done: asyncio.Event) -> None:
    """Each turn twice, four reloads at once: by signal, by two requests to the port, by one to the Unix socket."""
    async with httpx.AsyncClient(base_url=edited.admin_url, headers=RIGHT, timeout=60) as client:
        for turn in TURNS * 2:
            edited.write(**{**turn, "security": {**SECURED, **turn.get("security", {})}})
            edited.server.process.send_signal(signal.SIGHUP)
            by_socket = asyncio.to_thread(edited.server.operate, "POST", "/reload")
            answers = await asyncio.gather(client.post("/reload"), client.post("/reload"), by_socket)
            expected = 400 if turn == TURNS[-1] else 200
            assert {answer.status_code for answer in answers} == {expected}, answers[0].text
    done.set()


def test_under_load_no_request_fails(edited: Edited) -> None:
    """16 clients, while everything that can be changed changes all the time."""
    edited.write(security=SECURED)
    assert "security" in edited.reload().json()["changed"]

    async def both() -> "Counter[str]":
        seen: Counter[str] = Counter()
        done = asyncio.Event()
        headers = {"authorization": "Bearer sk-a"}
        async with httpx.AsyncClient(base_url=edited.server.base_url, headers=headers, timeout=60) as client:
            asking = [keep_asking(client, number, done, seen) for number in range(16)]
            await asyncio.gather(*asking, keep_reloading(edited, done))
        return seen

    seen = asyncio.run(both())
    logging.getLogger(__name__).info("under %d reloads: %s", 4 * 2 * len(TURNS), dict(seen))
    assert set(seen) == {"stream", "whole"}, seen
    assert min(seen.values()) > 30
    edited.write(cache="lru")
    assert edited.reload().status_code == 200
    for gauge in ("vgate_queue_waiting", "vgate_engine_running"):
        assert edited.server.metric(gauge) == 0


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


@pytest.mark.parametrize("after_s", [0.0, 0.2, 0.5, 0.8, 1.2, 2.0])
def test_a_signal_at_any_moment_of_the_start_is_no_end(after_s: float) -> None:
    """It is held back until it can be obeyed, and not forgotten."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VGATE_")}
    command = [sys.executable, "-m", "vgate.serve", "server.port=0", "+preset=dry_run"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean)
    while not blocks(process.pid, signal.SIGHUP) and process.poll() is None:
        time.sleep(0.005)
    time.sleep(after_s)
    process.send_signal(signal.SIGHUP)
    assert process.stdout is not None
    said = ""
    while '"message":"configuration reloaded"' not in said:
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        said += line
    process.terminate()
    rest, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert '"level":"error"' not in said + rest


def blocks(pid: int, number: signal.Signals) -> bool:
    """Whether the process blocks the signal, or handles it already."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(("SigBlk:", "SigCgt:")) and int(line.split()[1], 16) & 1 << (number - 1):
            return True
    return False


def test_O4_signals_while_it_stops_change_nothing() -> None:
    server = start("+preset=dry_run", "engine.decode_step_ms=20")
    with httpx.stream("POST", server.base_url + CHAT, json=body(stream=True, max_tokens=60), timeout=30) as response:
        lines = response.iter_lines()
        next(lines)
        server.process.terminate()
        server.wait_for("stopping")
        for _ in range(20):
            server.process.send_signal(signal.SIGHUP)
            time.sleep(0.01)
        assert server.operate("POST", "/reload").status_code == 503
        rest = [line for line in lines if line]
    assert rest[-1] == "data: [DONE]"
    while server.process.poll() is None:
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.005)
    assert server.stop() == 0
    assert server.find("configuration reloaded") == []
    assert server.find("configuration not reloaded")
