"""What is sent is what was planned, to the byte and the nanosecond."""

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.harness.driver.conftest import Driven
from tests.load.plans import WORKLOADS, load, load_section, workload, workload_section
from vgate.load.digest import MODEL, schedule_digest

SEED = 1  # of the fixture `drive`
ANSWER = json.dumps(
    {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": {"completion_tokens": 1}}
).encode()


@contextlib.contextmanager
def recording() -> Iterator[tuple[str, dict[str, bytes]]]:
    """The address of a server that answers one word, and the bodies that it was sent, by request id."""
    bodies: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            bodies[self.headers["X-Request-Id"]] = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(ANSWER)))
            self.end_headers()
            self.wfile.write(ANSWER)

        def log_message(self, *_about: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("option", WORKLOADS)
def test_a_driven_plan_has_the_digest_that_was_computed_without_sending(
    drive: Callable[..., Driven], option: str
) -> None:
    sections = {"load": load_section("gamma"), "workload": {**workload_section(option), "stream": False}}
    with recording() as (url, bodies):
        driven = drive(url, sections, warmup_s=0.3, duration_s=0.7)
    start = driven.outcome.window_start - 300_000_000
    sent = sorted(driven.exchanges, key=lambda exchange: int(exchange.name.removeprefix("arrival")))
    found = hashlib.sha256()
    for exchange in sent:
        found.update(f"{exchange.name} {exchange.t_int - start}\n".encode())
        found.update(bodies[exchange.request_id].replace(b'"model":"golden"', f'"model":"{MODEL}"'.encode()) + b"\n")
    assert len(sent) > 3
    assert found.hexdigest() == schedule_digest(load("gamma"), workload(option, stream=False), SEED, len(sent))
