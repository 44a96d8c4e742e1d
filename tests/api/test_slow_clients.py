"""How long a client may take to send a request, and to take the answer; all in virtual time."""

import asyncio

import pytest

from tests.api.talking import CHUNKED, HEALTH, HELLO, LONG, code, end, only, running
from tests.api.wire import Client, request, wired


async def trickled(client: Client, data: bytes, every_s: float = 1.0) -> float:
    """A byte at a time until the server hangs up; how long that took."""
    begun = client.loop.time()
    for byte in data:
        if client.closed:
            break
        client.send(bytes([byte]))
        await asyncio.sleep(every_s)
    return client.loop.time() - begun


@pytest.mark.parametrize("part", ["request line", "headers", "body", "chunks"])
async def test_a_client_that_sends_a_byte_a_second_is_told_so_within_the_timeout(part: str) -> None:
    server = await wired("server.client_timeout_s=60")
    client = server.connect()
    slowly = {
        "request line": b"GET /" + b"a" * 500,
        "headers": b"GET /health HTTP/1.1\r\n" + b"X-A: b\r\n" * 100,
        "body": request(HELLO + b" " * 500),
        "chunks": CHUNKED + b"1\r\n \r\n" * 200,
    }[part]
    head, blank, body = slowly.partition(b"\r\n\r\n")
    client.send(head + blank if blank else b"")
    assert await trickled(client, body or head) == pytest.approx(60, abs=1)
    assert (only(client).status, code(only(client))) == (408, "request_timeout")
    assert only(client).headers["connection"] == "close"
    assert client.closed
    await end(server)


@pytest.mark.parametrize("sent", [b"", b"\r\n\r\n"], ids=["nothing", "line ends"])
async def test_a_connection_on_which_no_request_begins_is_closed(sent: bytes) -> None:
    server = await wired("server.client_timeout_s=60")
    client = server.connect()
    assert await trickled(client, sent * 100 or b"") <= 60 or sent
    await asyncio.sleep(61)
    assert client.closed
    assert client.received == b""
    await end(server)


async def test_after_an_answer_a_byte_a_second_of_the_unread_body_does_not_hold_the_connection() -> None:
    """`/health` has answered long before its body ends."""
    server = await wired("server.client_timeout_s=60")
    client = server.connect()
    client.send(HEALTH.replace(b"\r\n\r\n", b"\r\nContent-Length: 1000\r\n\r\n"))
    assert await trickled(client, b"x" * 1000) <= 61
    assert only(client).status == 200
    await end(server)


async def test_a_long_answer_is_not_cut_short_by_the_timeout() -> None:
    """Ten seconds of generation, a stray line end on the way, a timeout of two."""
    server = await wired("server.client_timeout_s=2", "engine.decode_step_ms=10")
    client = server.connect()
    client.send(request(LONG))
    await asyncio.sleep(1)
    client.send(b"\r\n")
    await asyncio.sleep(30)
    assert only(client).status == 200
    assert not client.closed
    await end(server)


async def test_a_pipelined_body_has_its_time_from_its_turn_on() -> None:
    server = await wired("server.client_timeout_s=2", "engine.decode_step_ms=10")
    client = server.connect()
    second = request(HELLO)
    client.send(request(LONG) + second[:-5])
    await asyncio.sleep(10.2)
    client.send(second[-5:])
    await asyncio.sleep(1)
    assert [answer.status for answer in client.answers()] == [200, 200]
    await end(server)


async def test_S10_a_client_that_takes_nothing_of_its_answer_is_cut_off_and_frees_the_engine() -> None:
    server = await wired("server.client_timeout_s=60", "engine.decode_step_ms=1")
    client = server.connect()
    client.taking = False
    client.send(request(LONG.replace(b"{", b'{"stream": true, "n": 16, ', 1)))
    await asyncio.sleep(30)
    assert running(server) == 1
    await asyncio.sleep(45)
    assert client.closed
    await end(server)
    assert running(server) == 0


async def test_S10_a_client_that_takes_a_little_at_a_time_is_served() -> None:
    server = await wired("server.client_timeout_s=60", "engine.decode_step_ms=1")
    client = server.connect()
    client.taking = False
    client.send(request(LONG.replace(b"{", b'{"stream": true, "n": 4, ', 1)))
    while not client.received.endswith(b"0\r\n\r\n"):
        await asyncio.sleep(50)
        client.take(10_000)
    assert only(client).body.endswith(b"data: [DONE]\n\n")
    await end(server)


async def test_what_waits_in_a_closed_connection_is_not_kept_for_ever() -> None:
    server = await wired("server.client_timeout_s=60")
    client = server.connect()
    client.taking = False
    client.send(request(HELLO, connection="close"))
    await asyncio.sleep(10)
    assert not client.closed
    await asyncio.sleep(60)
    assert client.closed
    await end(server)
