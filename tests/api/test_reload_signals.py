"""Reloading by signals, at any moment of a server's life."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.api.edited import CHAT, body
from tests.servers import start


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
