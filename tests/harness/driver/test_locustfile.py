"""The locust file, run as a person would."""

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.harness.driver.conftest import GoldenServer

ROOT = Path(__file__).resolve().parents[3]
Golden = Callable[..., GoldenServer]


def locust(host: str, *options: str) -> list[str]:
    file = str(ROOT / "loadtests" / "locustfile.py")
    return [sys.executable, "-m", "locust", "-f", file, "--host", host, "--output-tokens", "8", *options]


def test_on_its_own_it_shows_requests_ttft_and_tpot(golden: Golden, tmp_path: Path) -> None:
    server = golden(ttft_ms=40, itl_ms=10)
    options = ["--headless", "-u", "2", "-r", "2", "-t", "4s", "--json", "--stop-timeout", "5"]
    done = subprocess.run(locust(server.url, *options), capture_output=True, text=True, check=True)
    rows = {row["method"]: row for row in json.loads(done.stdout)}
    assert rows.keys() == {"POST", "TTFT", "TPOT"}
    assert rows["POST"]["num_requests"] == rows["TTFT"]["num_requests"] > 5
    assert rows["POST"]["num_failures"] == 0
    assert 40 <= rows["TTFT"]["total_response_time"] / rows["TTFT"]["num_requests"] < 60
    # The first token read late makes the rest seem quick.
    assert 7 < rows["TPOT"]["total_response_time"] / rows["TPOT"]["num_requests"] < 15


def test_its_web_page_starts_and_watches_a_test(golden: Golden, tmp_path: Path) -> None:
    server = golden(ttft_ms=10, itl_ms=1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    page = f"http://127.0.0.1:{port}"
    with (tmp_path / "log").open("w") as log:
        command = locust(server.url, "--web-port", port, "--web-host", "127.0.0.1")
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for(lambda: "locust" in httpx.get(page, trust_env=False).text.lower())
            settings = {"user_count": 2, "spawn_rate": 2, "host": server.url, "output_tokens": 8}
            assert httpx.post(f"{page}/swarm", data=settings, trust_env=False).json()["success"]
            wait_for(lambda: requests(page).get("TTFT", 0) > 5)
        finally:
            process.terminate()
            process.wait(20)


def test_without_a_server_it_says_so_and_fails() -> None:
    done = subprocess.run(
        locust("http://127.0.0.1:9", "--headless", "-u", "1", "-t", "60s"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "cannot ask http://127.0.0.1:9 for its model" in done.stderr


def requests(page: str) -> dict[str, int]:
    """Requests so far by kind, as the web page shows them; none may have failed."""
    rows = httpx.get(f"{page}/stats/requests", trust_env=False).json()["stats"]
    assert [row["num_failures"] for row in rows] == [0] * len(rows)
    return {row["method"]: row["num_requests"] for row in rows}


def wait_for(what: Callable[[], bool], limit_s: float = 30.0) -> None:
    deadline = time.monotonic() + limit_s
    while True:
        with contextlib.suppress(httpx.ConnectError):
            if what():
                return
        assert time.monotonic() < deadline
        time.sleep(0.1)
