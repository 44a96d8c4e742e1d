"""One connection: bytes in, an answer out, whatever the pieces; time-outs; back-pressure."""

import asyncio

import pytest

from tests.upstream.wires import BROKEN, END, HEAD, Script, Server, answer, part
from vgate.upstream.connection import HIGH_WATER, MAX_HEAD_BYTES, Connection
from vgate.upstream.connections import Origin
from vgate.upstream.failures import Garbled, Lost, Silent

ORIGIN = Origin.of("http://w0:8000")


async def sent(script: Script) -> tuple[Server, Connection]:
    server = Server(lambda _request: script)
    connection = await server.dial(ORIGIN)
    connection.send(b"GET / HTTP/1.1\r\n\r\n")
    return server, connection


async def read(connection: Connection) -> bytes:
    await connection.head(60, "first")
    return await connection.rest(30, "between")


FORMS = {
    "with a length": [(0.0, answer(b"hello world"))],
    "chunked": [(0.0, HEAD + part(b"hello ") + part(b"world") + END)],
    "to the end of the connection": [(0.0, b"HTTP/1.1 200 OK\r\n\r\nhello "), (1.0, b"world"), (0.0, b"")],
    "after 100 and 103": [
        (0.0, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"),
        (1.0, answer(b"hello world")),
    ],
    "with a trailer": [(0.0, HEAD + part(b"hello world") + b"0\r\nx-trailer: 1\r\n\r\n")],
    "byte by byte": [(0.01, bytes([byte])) for byte in HEAD + part(b"hello ") + part(b"world") + END],
}


@pytest.mark.parametrize("script", FORMS.values(), ids=FORMS)
async def test_S7_an_answer_in_any_form_and_any_pieces(script: Script) -> None:
    _, connection = await sent(script)
    assert await read(connection) == b"hello world"
    assert connection.status == 200
    assert b"x-trailer" not in connection.headers
    assert b"link" not in connection.headers
    connection.abort()


async def test_a_connection_carries_one_request_after_the_other() -> None:
    server, connection = await sent([(0.0, answer(b"one"))])
    assert await read(connection) == b"one"
    assert connection.reusable
    connection.send(b"GET / HTTP/1.1\r\n\r\n")
    assert await read(connection) == b"one"
    assert (len(server.requests), server.dials) == (2, 1)


async def test_one_that_is_to_be_closed_is_not_used_again() -> None:
    _, connection = await sent([(0.0, answer(b"one", "200 OK", "Connection: close"))])
    assert await read(connection) == b"one"
    assert not connection.reusable


async def test_what_nobody_has_asked_for_closes_it() -> None:
    server, connection = await sent([(0.0, answer(b"one")), (1.0, answer(b"two"))])
    assert await read(connection) == b"one"
    await asyncio.sleep(2)
    assert connection.closed
    assert server.open == 0


@pytest.mark.parametrize("second", [answer(b"two"), b"HTTP/1.1 200 OK\r\nContent-Le", b"x"])
async def test_a_second_answer_in_the_same_segment_is_not_part_of_the_first(second: bytes) -> None:
    server, connection = await sent([(0.0, answer(b"one") + second)])
    assert await read(connection) == b"one"
    assert (server.open, connection.closed, connection.reusable, connection.status) == (0, True, False, 200)


async def test_one_that_has_answered_before_all_was_sent_is_not_used_again() -> None:
    server, connection = await sent([(0.0, answer(b"too large", "413 No"))])
    server.wires[0].unsent = 1
    assert await read(connection) == b"too large"
    assert not connection.reusable


async def test_S1_each_piece_is_there_when_it_comes() -> None:
    _, connection = await sent([(1.0, HEAD), *((1.0, part(b"%d" % number)) for number in range(3)), (1.0, END)])
    loop, seen = asyncio.get_running_loop(), []
    await connection.head(60, "first")
    assert loop.time() == pytest.approx(1.0)
    while piece := await connection.more(30, "between"):
        seen.append((round(loop.time()), piece))
    assert seen == [(2, b"0"), (3, b"1"), (4, b"2")]


async def test_silence_before_the_answer_and_within_it_is_told_apart() -> None:
    server, connection = await sent([(61.0, answer(b""))])
    with pytest.raises(Silent, match=r"no answer within 60 s \(first\)"):
        await connection.head(60, "first")
    assert (server.open, asyncio.get_running_loop().time()) == (0, 60.0)
    server, connection = await sent([(0.0, HEAD + part(b"a")), (29.0, part(b"b")), (31.0, part(b"c"))])
    await connection.head(60, "first")
    assert await connection.more(30, "between") == b"a"
    assert await connection.more(30, "between") == b"b"
    with pytest.raises(Silent, match=r"no part of the answer within 30 s \(between\)"):
        await connection.more(30, "between")
    assert server.open == 0


async def test_a_shorter_limit_counts_at_once() -> None:
    _, connection = await sent([(1.0, HEAD + part(b"a")), (3600.0, part(b"b"))])
    await connection.head(600, "first")
    assert await connection.more(600, "first") == b"a"
    with pytest.raises(Silent):
        await connection.more(30, "between")
    assert asyncio.get_running_loop().time() == 31.0


@pytest.mark.parametrize(
    ("limit_s", "drops"),
    [(60.0, [b"HTTP/1.1 200 OK\r\n", *[b"x: y\r\n"] * 99]), (30.0, [HEAD + b"0\r\n", *[b"x: y\r\n"] * 99])],
)
async def test_what_comes_drop_by_drop_and_is_no_answer_does_not_prolong_the_wait(
    limit_s: float, drops: list[bytes]
) -> None:
    _, connection = await sent([(0.0, drops[0]), *((12.5, drop) for drop in drops[1:])])
    with pytest.raises(Silent):
        await read(connection)
    assert asyncio.get_running_loop().time() == limit_s


async def test_S10_a_whole_answer_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vgate.upstream.connection.MAX_WHOLE_BYTES", 100_000)
    _, connection = await sent([(0.0, HEAD), *((0.1, part(b"x" * 1000)) for _ in range(1000)), (0.0, END)])
    with pytest.raises(Garbled, match="more than 100000 bytes"):
        await read(connection)
    connection.abort()


@pytest.mark.parametrize(
    ("script", "kind", "begun"),
    [
        ([(1.0, b"")], Lost, False),
        ([(1.0, BROKEN)], Lost, False),
        ([(1.0, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), (1.0, b"")], Lost, True),
        ([(1.0, HEAD + part(b"abc")), (1.0, BROKEN)], Lost, True),
        ([(1.0, b"SSH-2.0-OpenSSH_9.6\r\n")], Garbled, None),
        ([(1.0, b"HTTP/1.1 200 OK\r\nx: " + b"y" * (MAX_HEAD_BYTES + 1))], Garbled, None),
        ([(1.0, HEAD + b"zz\r\n")], Garbled, None),
    ],
)
async def test_an_answer_that_is_none_says_so(script: Script, kind: type[Exception], begun: bool | None) -> None:
    server, connection = await sent(script)
    with pytest.raises(kind) as caught:
        await read(connection)
    assert getattr(caught.value, "begun", None) == begun
    assert (server.open, connection.closed, connection.reusable) == (0, True, False)


async def test_S10_of_an_answer_that_is_not_read_a_bounded_part_is_kept() -> None:
    piece = part(b"x" * 65536)
    server, connection = await sent([(0.0, HEAD), *((0.0, piece) for _ in range(100)), (0.0, END)])
    await connection.head(60, "first")
    await asyncio.sleep(10)
    assert server.wires[0].paused
    assert connection._size <= HIGH_WATER + 65536
    assert await connection.rest(30, "between") == b"x" * 65536 * 100
    assert connection.reusable


async def test_S2_aborting_is_seen_by_the_server_at_once() -> None:
    server, connection = await sent([(0.0, HEAD), (3600.0, END)])
    await connection.head(60, "first")
    connection.abort()
    assert server.open == 0
