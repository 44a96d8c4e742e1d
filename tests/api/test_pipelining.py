"""Several requests over one connection, in virtual time."""

import asyncio

import pytest

from tests.api.talking import HEALTH, HELLO, LONG, code, end, only, running
from tests.api.wire import request, wired
from vgate.api.protocol import MAX_PIPELINED


async def test_garbage_after_a_request_is_refused_after_its_answer() -> None:
    """Not in its place, and not in the midst of it."""
    server = await wired()
    client = server.connect()
    client.send(request(HELLO.replace(b"{", b'{"stream": true, ', 1)) + b"garbage\r\n\r\n")
    await asyncio.sleep(5)
    first, second = client.answers()
    assert first.body.endswith(b"data: [DONE]\n\n")
    assert (second.status, code(second)) == (400, "malformed_http")
    assert client.closed
    await end(server)


async def test_pipelined_requests_are_answered_in_order_and_the_last_says_that_no_more_are() -> None:
    server = await wired()
    client = server.connect()
    client.send(request(HELLO) + HEALTH * 100)
    await asyncio.sleep(5)
    found = client.answers()
    assert [answer.status for answer in found] == [200] * (MAX_PIPELINED + 1)
    assert b"chat.completion" in found[0].body
    assert [answer.headers.get("connection") for answer in found] == [None] * MAX_PIPELINED + ["close"]
    assert client.closed
    await end(server)


async def test_a_large_pipelined_body_is_not_kept_until_its_turn() -> None:
    server = await wired()
    client = server.connect()
    client.send(request(LONG) + request(HELLO + b" " * 1_000_000))
    await asyncio.sleep(30)
    assert only(client).status == 200
    assert client.closed
    await end(server)


@pytest.mark.parametrize("behind", [HEALTH, request(HELLO), request(HELLO + b" " * 200_000), b"garbage\r\n\r\n"])
@pytest.mark.parametrize("stream", [b"true", b"false"])
async def test_S2_a_client_that_leaves_with_more_in_the_pipe_frees_the_engine(stream: bytes, behind: bytes) -> None:
    server = await wired()
    client = server.connect()
    client.send(request(LONG.replace(b"{", b'{"stream": %b, ' % stream, 1)) + behind)
    await asyncio.sleep(1)
    assert running(server) == 1
    client.leave()
    await asyncio.sleep(0.1)
    assert running(server) == 0
    await end(server)
