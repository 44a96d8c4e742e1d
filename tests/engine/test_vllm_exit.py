"""vLLM's processes do not outlive the server, seen on processes that are started as vLLM starts its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

# Started by a thread that then ends, as an engine is.
PROGRAM = """
import multiprocessing, threading, time
from vgate.engine import vllm_exit

def serve(ready):
    vllm_exit.register()
    ready.set()
    time.sleep(60)

def start(context, ready, started):
    process = context.Process(target=serve, args=(ready,))
    process.start()
    started.append(process)

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    ready, started = context.Event(), []
    thread = threading.Thread(target=start, args=(context, ready, started))
    thread.start()
    thread.join()
    ready.wait()
    time.sleep(0.3)
    print(started[0].pid, started[0].is_alive(), flush=True)
    time.sleep(60)
"""


def gone(pid: int) -> bool:
    try:
        return " Z " in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return True


def test_an_engine_process_ends_with_a_server_that_is_killed_and_not_before(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    server = subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True, env=environ)
    assert server.stdout is not None
    pid, alive = server.stdout.readline().split()
    assert alive == "True"
    os.kill(server.pid, signal.SIGKILL)
    server.communicate()
    deadline = time.monotonic() + 20
    while not gone(int(pid)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
