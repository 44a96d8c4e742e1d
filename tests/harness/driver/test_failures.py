"""What the driver makes of servers that misbehave."""

import contextlib
import resource
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.driver.conftest import Driven, GoldenServer, closed, poisson
from vgate import open_files
from vgate.harness.connections import RESERVED
from vgate.harness.driving import DriverFailed, LoadDriver
from vgate.harness.exchange import OWN_FAULT
from vgate.harness.plan import Plan

Drive = Callable[..., Driven]
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


@contextlib.contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A server that sends the same bytes to each request, then closes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (b"", None, "the server closed the connection before the answer's end"),
        (HEAD + b"a\r\ndata: {}\n\n\r\n", None, "the server closed the connection before the answer's end"),
        (b"garbage\r\n\r\n", None, "not HTTP: Expected HTTP/"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", 503, "HTTP 503: busy"),
        (LAST + b"0\r\n\r\n", 200, "the stream ended without [DONE]"),
    ],
    ids=["closed at once", "cut", "not HTTP", "refused", "empty"],
)
def test_each_failure_has_its_words(drive: Drive, answer: bytes, status: int | None, error: str) -> None:
    with answering(answer) as url:
        rows = drive(url, closed(1), duration_s=0.3).rows
    assert len(rows) > 0
    assert rows["error"].str.startswith(error).all(), rows["error"].tolist()
    assert (rows["t_end"] >= rows["t_send"]).all()  # a request that has failed is not in flight any more
    assert rows["status"].isna().all() if status is None else rows["status"].eq(status).all()


def test_a_failing_server_is_not_hammered(drive: Drive) -> None:
    """A user pauses 100 ms after a failure."""
    with answering(b"") as url:
        assert 3 <= len(drive(url, closed(1), duration_s=1.0).exchanges) <= 13


@pytest.mark.parametrize("make", [closed, poisson], ids=["closed", "poisson"])
def test_nobody_listens(drive: Drive, make: Callable[..., object]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    exchanges = drive(f"http://127.0.0.1:{port}", make(10)).exchanges
    assert exchanges
    assert {exchange.t_send for exchange in exchanges} == {None}
    assert all(exchange.t_end for exchange in exchanges)
    assert all(str(exchange.error).startswith("cannot connect: ") for exchange in exchanges)


def test_a_driver_without_connections_says_that_it_is_its_own_fault(
    drive: Drive, driver: LoadDriver, golden: Callable[..., GoldenServer]
) -> None:
    """Of eight users three never get one; the others go on as if nothing were."""
    server = golden(ttft_ms=20, itl_ms=1)
    drive(server.url, closed(1), duration_s=0.1)  # it has started
    (pid, *_), (_, hard) = driver.pids, resource.getrlimit(resource.RLIMIT_NOFILE)
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE, (RESERVED + 5, hard))
    try:
        rows = drive(server.url, closed(8), duration_s=0.5).rows
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    errors = rows["error"].dropna().unique().tolist()
    (error,) = errors
    assert error.startswith(f"{OWN_FAULT}cannot connect: ")
    assert "5 connections open, as many as it may (ulimit -Hn)" in error
    assert rows["error"].isna().sum() > 20


def test_processes_start_with_all_the_open_files_that_they_may_have(driver: LoadDriver, drive: Drive) -> None:
    with answering(b"") as url:
        drive(url, closed(1), duration_s=0.1)
    assert resource.prlimit(driver.pids[0], resource.RLIMIT_NOFILE)[0] == open_files.most()


def test_a_fault_of_the_driver_is_not_a_slow_server(tmp_path: Path) -> None:
    driver = LoadDriver(tmp_path / "driver.log")
    sections = closed(1)
    sections["load"]["_target_"] = "vgate.load.closed.Open"
    plan = Plan(
        "http://127.0.0.1:9",
        "m",
        **sections,
        seed=0,
        warmup_s=0.0,
        duration_s=0.1,
        drain_s=0.1,
        tag="t",
        out=str(tmp_path),
    )
    try:
        with pytest.raises(DriverFailed, match=r"(?s)exit code 1; its log ends with:.*vgate\.load\.closed\.Open"):
            driver.drive(plan, None, lambda: None)
    finally:
        driver.stop()
