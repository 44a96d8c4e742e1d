"""Connections kept between requests."""

import asyncio

import pytest

from tests.upstream.wires import END, HEAD, Server, answer, part
from vgate.upstream.connection import Connection
from vgate.upstream.connections import Connections, Origin
from vgate.upstream.failures import Silent, Unreachable


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://10.0.0.5:8000", ("10.0.0.5", 8000, False, "", "10.0.0.5:8000")),
        ("https://pod.example.com/proxy/v1", ("pod.example.com", 443, True, "/proxy", "pod.example.com")),
        ("http://[::1]:9", ("::1", 9, False, "", "[::1]:9")),
    ],
)
def test_where_a_worker_is(url: str, origin: tuple[object, ...]) -> None:
    assert Origin.of(url) == origin


def kept(server: Server, keep_s: float = 4.0) -> Connections:
    return Connections(Origin.of("http://w0:8000"), 2.0, keep_s, server.dial)


async def used(connections: Connections) -> Connection:
    connection = connections.idle() or await connections.new()
    connection.send(b"GET / HTTP/1.1\r\n\r\n")
    await connection.head(60, "first")
    await connection.rest(30, "between")
    return connection


async def test_one_is_used_again_while_it_is_young_and_closed_when_it_is_not() -> None:
    server = Server(lambda _request: [(0.0, answer(b"one"))])
    connections = kept(server)
    for _ in range(3):
        connections.give_back(await used(connections))
        await asyncio.sleep(3.9)
    assert (server.dials, server.open) == (1, 1)
    await asyncio.sleep(4.1)
    assert server.open == 0
    assert connections.idle() is None


async def test_those_that_a_crowd_needed_are_closed_after_it() -> None:
    server = Server(lambda _request: [(0.0, answer(b"one"))])
    connections = kept(server)
    for connection in [await used(connections) for _ in range(3)]:
        connections.give_back(connection)
    for _ in range(10):
        await asyncio.sleep(1)
        connections.give_back(await used(connections))
    assert (server.dials, server.open) == (3, 1)
    connections.close()
    assert server.open == 0


async def test_one_that_its_server_has_closed_is_not_given_out() -> None:
    server = Server(lambda _request: [(0.0, answer(b"one"))])
    connections = kept(server)
    connections.give_back(await used(connections))
    server.wires[0].lose()
    assert connections.idle() is None


async def test_one_whose_answer_is_over_but_for_its_last_bytes_is_kept_once_they_are_there() -> None:
    server = Server(lambda _request: [(0.0, HEAD + part(b"data: [DONE]\n\n")), (0.5, END)])
    connections = kept(server)
    connection = await connections.new()
    connection.send(b"GET / HTTP/1.1\r\n\r\n")
    await connection.head(60, "first")
    connections.give_back(connection)
    assert connections.idle() is None
    await asyncio.sleep(0.6)
    assert connections.idle() is connection
    connection.abort()


async def test_one_of_which_the_last_bytes_do_not_come_is_closed() -> None:
    server = Server(lambda _request: [(0.0, HEAD + part(b"data: [DONE]\n\n")), (3600.0, END)])
    connections = kept(server)
    connection = await connections.new()
    connection.send(b"GET / HTTP/1.1\r\n\r\n")
    await connection.head(60, "first")
    connections.give_back(connection)
    await asyncio.sleep(1.1)
    assert server.open == 0


async def test_after_closing_none_is_kept() -> None:
    server = Server(lambda _request: [(0.0, answer(b"one"))])
    connections = kept(server)
    connection = await used(connections)
    connections.close()
    connections.give_back(connection)
    assert server.open == 0


async def test_a_server_that_cannot_be_reached_is_told_from_one_that_does_not_answer() -> None:
    with pytest.raises(Unreachable, match="cannot be reached: Connection refused"):
        await kept(Server(lambda _request: [], refusing=True)).new()
    with pytest.raises(Silent, match=r"no connection within 2 s \(engine.timeouts.connect_s\)"):
        await kept(Server(lambda _request: [], dial_s=3.0)).new()
