"""A client that is refused while it sends hears why, and is read no longer than it must be."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator

import pytest

from tests.api.wire import Client, Wired, answers, request, wired
from tests.certificates import Authority
from tests.servers import Server, running
from vgate.api import parting
from vgate.api.parting import LINGER_S


def is_open(client: Client) -> bool:
    """As a function, so that mypy does not take it for fixed."""
    return not client.closed


async def refused(server: Wired) -> Client:
    """One that has been told that it sends no HTTP, and sends on."""
    client = server.connect()
    client.stays = True
    client.send(b"no HTTP\r\n\r\n")
    await asyncio.sleep(0.1)
    assert [answer.status for answer in client.answers()] == [400]
    assert is_open(client)
    return client


async def test_who_sends_on_after_a_refusal_is_read_for_a_while() -> None:
    server = await wired()
    client = await refused(server)
    client.send(b"x" * 1_000_000)
    await asyncio.sleep(LINGER_S - 0.2)
    assert is_open(client)
    await asyncio.sleep(0.2)
    assert client.closed
    await server.stop()


async def test_who_sends_more_than_is_thrown_away_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parting, "LINGER_BYTES", 1_000_000)
    server = await wired()
    client = await refused(server)
    client.send(b"x" * 1_000_000)
    assert is_open(client)
    client.send(b"x")
    await asyncio.sleep(0)
    assert client.closed
    await server.stop()


async def test_who_leaves_meanwhile_is_let_go() -> None:
    server = await wired()
    client = await refused(server)
    client.leave()
    assert client.closed
    await server.stop()


async def test_a_client_that_has_sent_all_is_not_kept() -> None:
    server = await wired()
    client = server.connect()
    client.stays = True
    client.send(request(b"{}", connection="close"))
    await asyncio.sleep(0.1)
    assert client.closed
    await server.stop()


async def test_who_was_not_asked_for_its_body_is_not_understood_to_send_it() -> None:
    """The next request would be taken for the body of the one that was refused."""
    server = await wired("security=keys", "security.api_keys=[{name: a, key: sk-a}]")
    client = server.connect()
    head = request(b"x" * 50, authorization="Bearer sk-wrong", expect="100-continue")[:-50]
    client.send(head + request(b"{}", authorization="Bearer sk-a"))
    await asyncio.sleep(0.1)
    (answer,) = client.answers()
    assert (answer.status, answer.headers["connection"], client.closed) == (401, "close", True)
    asked = server.connect()
    asked.send(request(b"{}", authorization="Bearer sk-a", expect="100-continue") * 2)
    await asyncio.sleep(0.1)
    assert [answer.status for answer in asked.answers()] == [400, 400]
    await server.stop()


AUTHORITY = Authority()
# Each is refused at its beginning or on the way, while 4 MB of it are still to come.
SENT = {
    "no HTTP": b"no HTTP\r\n\r\n",
    "endless headers": b"GET /health HTTP/1.1\r\nX-A: ",
    "a body that is too large": b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n",
}
STATUS = {"no HTTP": 400, "endless headers": 431, "a body that is too large": 413}


@pytest.fixture(scope="module", params=["http", "https"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    tls: list[str] = []
    if request.param == "https":
        cert = AUTHORITY.issue(tmp_path_factory.mktemp("certificates") / "server")
        tls = [f"server.tls.cert_file={cert}", f"server.tls.key_file={cert.with_suffix('.key')}"]
    with running("+preset=dry_run", "server.max_body_bytes=1000", *tls) as server:
        yield server


@pytest.mark.parametrize("name", SENT)
def test_no_answer_is_lost_to_a_client_that_sends_all_before_it_reads(name: str, server: Server) -> None:
    port = int(server.base_url.rpartition(":")[2])
    context = ssl.create_default_context(cadata=AUTHORITY.pem.decode())
    encrypted = server.base_url.startswith("https:")
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port), 10) as plain, contextlib.ExitStack() as stack:
            sock: socket.socket = plain
            if encrypted:
                sock = stack.enter_context(context.wrap_socket(plain, server_hostname="127.0.0.1"))
            sock.sendall(SENT[name] + b"x" * 4_000_000)
            received = piece = sock.recv(65536)
            # By TLS there is no half-close: a client goes by the answer's length.
            while piece and not (encrypted and received.endswith(b"}}")):
                piece = sock.recv(65536)
                received += piece
            (answer,) = answers(received, closed=True)
            assert (answer.status, answer.whole) == (STATUS[name], True)
