"""How `python -m vgate.serve` ends: what is under way, what arrives meanwhile, and when the signal comes."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers import start

CHAT = "/v1/chat/completions"
CLIENTS = 40


def body(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "x"}], "seed": 1, **fields}


async def lines(client: httpx.AsyncClient, begun: asyncio.Event, **fields: Any) -> list[str]:
    """A stream to its end."""
    async with client.stream("POST", CHAT, json=body(stream=True, **fields)) as response:
        said = []
        async for line in response.aiter_lines():
            begun.set()
            said += [line] if line else []
        return said


async def under_way(client: httpx.AsyncClient, **fields: Any) -> list["asyncio.Task[list[str]]"]:
    """Many streams that have begun."""
    bells = [asyncio.Event() for _ in range(CLIENTS)]
    tasks = [asyncio.create_task(lines(client, bell, **fields)) for bell in bells]
    await asyncio.gather(*(bell.wait() for bell in bells))
    return tasks


def test_O3_O4_sigterm_refuses_what_is_new_and_finishes_what_is_old() -> None:
    """While 40 streams go on, the server still listens, to say so: on old connections and on new ones."""
    server = start("+preset=dry_run", "engine.decode_step_ms=20", "engine.max_num_seqs=64")

    async def stop_midway() -> list[list[str]]:
        limits = httpx.Limits(max_connections=None)
        async with (
            httpx.AsyncClient(base_url=server.base_url, timeout=30, limits=limits) as client,
            httpx.AsyncClient(base_url=server.base_url, timeout=30) as another,
        ):
            tasks = await under_way(client, max_tokens=60)
            server.process.send_signal(signal.SIGTERM)
            server.wait_for("stopping")
            assert (await client.get("/ready")).status_code == 503
            assert (await client.get("/health")).status_code == 200
            for refused in [await client.post(CHAT, json=body()), await another.post(CHAT, json=body())]:
                assert refused.status_code == 503
                assert refused.json()["error"]["message"] == "The server is stopping."
                assert int(refused.headers["retry-after"]) > 0
                assert refused.headers["connection"] == "close"
            assert not any(task.done() for task in tasks)
            return await asyncio.gather(*tasks)

    streams = asyncio.run(stop_midway())
    assert server.stop() == 0
    assert [stream[-1] for stream in streams] == ["data: [DONE]"] * CLIENTS
    assert {len([line for line in stream if '"content":' in line]) for stream in streams} == {61}


def test_O4_streams_over_the_grace_end_with_an_error_event_and_exit_code_0() -> None:
    server = start(
        "+preset=dry_run", "engine.decode_step_ms=50", "engine.max_num_seqs=64", "server.shutdown_grace_s=0.5"
    )

    async def stop_midway() -> tuple[list[list[str]], float]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=server.base_url, timeout=30, limits=limits) as client:
            tasks = await under_way(client, max_tokens=1500)
            begin = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            return await asyncio.gather(*tasks), time.monotonic() - begin

    streams, took = asyncio.run(stop_midway())
    assert 0.5 < took < 5
    assert server.stop() == 0
    errors = [json.loads(stream[-1].removeprefix("data: "))["error"] for stream in streams]
    assert {error["message"] for error in errors} == {"The server is stopping."}
    assert not [line for stream in streams for line in stream if "[DONE]" in line]


def test_O4_idle_server_ends_at_once() -> None:
    """Also with a connection that is kept open."""
    server = start("+preset=dry_run")
    with httpx.Client(base_url=server.base_url) as client:
        assert client.get("/ready").status_code == 200
        begin = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begin < 3


def test_O4_answer_that_was_written_is_sent_before_the_end() -> None:
    """A client that reads slowly gets all of an answer that was complete when the signal came."""
    server = start("+preset=dry_run", "engine.decode_step_ms=0.01", "engine.decode_step_per_seq_ms=0")
    fields = {"max_tokens": 1900, "n": 100}
    whole = httpx.post(server.base_url + CHAT, json=body(**fields), timeout=60).json()
    with httpx.stream("POST", server.base_url + CHAT, json=body(**fields), timeout=60) as response:
        server.process.send_signal(signal.SIGTERM)
        got = b""
        for piece in response.iter_raw():
            got += piece
            time.sleep(0.001)
    assert server.stop() == 0
    assert json.loads(got)["choices"] == whole["choices"]


def test_second_signal_drops_the_streams() -> None:
    server = start("+preset=dry_run", "engine.decode_step_ms=1000")
    with httpx.stream(
        "POST", f"{server.base_url}{CHAT}", json=body(stream=True, max_tokens=500), timeout=30
    ) as response:
        lines = response.iter_lines()  # kept: an iterator that is thrown away closes the connection
        next(lines)
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("stopping")
        begin = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begin < 10
        assert "The server is stopping." in [line for line in lines if line][-1]


def test_O4_sigterm_while_an_engine_restarts_ends_at_once() -> None:
    faults = ("engine.faults.crash=1", "engine.restart.backoff_s=30")
    server = start("+preset=dry_run", *faults)
    assert httpx.post(server.base_url + CHAT, json=body()).status_code == 503
    server.wait_for("engine died, restarting")
    assert httpx.get(server.base_url + "/ready").status_code == 503
    begin = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begin < 3


def test_engine_that_cannot_be_kept_alive_ends_the_server_with_its_cause() -> None:
    server = start(
        "+preset=dry_run", "engine.faults.crash=1", "engine.restart.max_attempts=1", "engine.restart.backoff_s=0.1"
    )
    for _ in range(2):
        while httpx.get(server.base_url + "/ready").status_code == 503:
            time.sleep(0.02)
        assert httpx.post(server.base_url + CHAT, json=body()).status_code == 503
    assert server.process.wait(10) == 1
    assert "the engine died after 1 restarts in a row: it died again (engine.restart.max_attempts)" in server.stderr()
    server.stop()


def signalled_early(number: signal.Signals, after_s: float, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A signal so long after the program has begun to import."""
    command = [sys.executable, "-m", "vgate.serve", "server.port=0", *arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VGATE_")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean)
    while not _catches(process.pid, signal.SIGTERM):
        time.sleep(0.005)
    time.sleep(after_s)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def _catches(pid: int, number: signal.Signals) -> bool:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) & 1 << (number - 1))
    return False


@pytest.mark.parametrize("after_s", [0.0, 0.2, 0.4, 0.7, 1.0, 1.5])
def test_ctrl_c_at_any_moment_of_the_start_is_quiet(after_s: float) -> None:
    done = signalled_early(signal.SIGINT, after_s, "+preset=dry_run")
    assert done.returncode in (0, 130)
    assert done.stderr == ""
    assert (done.returncode == 0) == ('"message":"stopping"' in done.stdout)


def test_O4_sigterm_before_the_server_listens_exits_0() -> None:
    done = signalled_early(signal.SIGTERM, 0.1, "+preset=dry_run")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.vllm
@pytest.mark.parametrize("after_s", [3.0, 12.0])
def test_O4_sigterm_while_vllm_loads_ends_at_once(after_s: float, tmp_path: Path) -> None:
    from vgate.models import tiny

    tiny.ensure("tiny", tmp_path)
    begin = time.monotonic()
    done = signalled_early(signal.SIGTERM, after_s, "+preset=cpu", f"model.model_id={tmp_path / 'tiny'}")
    assert time.monotonic() - begin < after_s + 5
    assert (done.returncode, done.stderr) == (0, "")
    assert '"message":"ready"' not in done.stdout


def test_O4_a_log_that_nobody_reads_does_not_keep_the_server_from_ending() -> None:
    """Its pipe is full: each of these lines has some 300 bytes, and a pipe holds 64 KiB."""
    server = start("+preset=dry_run")
    server.reading.clear()
    with httpx.Client(base_url=server.base_url, timeout=30) as client:
        for _ in range(400):
            assert client.post(CHAT, json={"messages": 1}).status_code == 400
    server.process.terminate()
    assert server.process.wait(20) == 0
    server.reading.set()
    server.stop()
