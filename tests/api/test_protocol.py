"""What one connection may send, and what it is told of what cannot be read; all in virtual time."""

import asyncio
import json

import pytest

from tests.api.talking import CHUNKED, HEALTH, HELLO, code, end, only
from tests.api.wire import request, wired
from vgate.api.cors import Cors
from vgate.api.protocol import MAX_HEADER_BYTES

MALFORMED = {
    "no HTTP": b"hello there\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    "another version": b"GET / HTTP/7.3\r\n\r\n",
    "HTTP/2 by prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a tunnel": b"CONNECT example:443 HTTP/1.1\r\nHost: example:443\r\n\r\n",
    "both lengths": request(HELLO, transfer_encoding="chunked"),
    "two lengths": request(HELLO).replace(b"host: x", b"content-length: 3"),
    "a negative length": request(HELLO, content_length="-1"),
    "a folded header": HEALTH.replace(b"\r\n\r\n", b"\r\nX-A: b\r\n c\r\n\r\n"),
    "a header without a name": HEALTH.replace(b"Host", b""),
    "a blank before the colon": HEALTH.replace(b"Host:", b"Host :"),
    "a NUL in a header": HEALTH.replace(b"x", b"x\x00y"),
    "line feeds alone": HEALTH.replace(b"\r\n", b"\n"),
    "a chunk of no size": CHUNKED + b"zz\r\n",
    "a chunk too large": CHUNKED + b"f" * 17 + b"\r\n",
    "bytes beyond ASCII in the path": "GET /é HTTP/1.1\r\n\r\n".encode(),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_what_is_no_http_gets_a_400_in_openai_form(name: str) -> None:
    server = await wired()
    client = server.connect()
    client.send(MALFORMED[name])
    await asyncio.sleep(1)
    assert (only(client).status, code(only(client))) == (400, "malformed_http")
    assert client.closed
    await end(server)


async def test_an_endless_header_is_refused_in_openai_form() -> None:
    server = await wired()
    client = server.connect()
    client.send(b"GET /health HTTP/1.1\r\nX-A: " + b"a" * (MAX_HEADER_BYTES + 1))
    await asyncio.sleep(1)
    assert (only(client).status, code(only(client))) == (431, "headers_too_large")
    await end(server)


@pytest.mark.parametrize("value", [b"a" * 70_000, b"a\r\nX-B: " * 9_000], ids=["one", "many"])
async def test_headers_that_are_too_large_are_refused_also_where_all_come_at_once(value: bytes) -> None:
    server = await wired()
    protocol = server.connect()
    protocol._protocol.data_received(HEALTH.replace(b"Host: x", b"X-A: " + value))
    await asyncio.sleep(1)
    assert (only(protocol).status, code(only(protocol))) == (431, "headers_too_large")
    await end(server)


@pytest.mark.parametrize("trailer", [b"x-a: b\r\n", b"x"], ids=["many", "one"])
async def test_endless_trailers_are_not_kept(trailer: bytes) -> None:
    server = await wired()
    client = server.connect()
    client.send(CHUNKED + b"0\r\n")
    client.send(trailer * (2 * MAX_HEADER_BYTES // len(trailer)))
    await asyncio.sleep(1)
    assert (only(client).status, code(only(client))) == (431, "headers_too_large")
    await end(server)


async def test_trailers_are_no_headers_of_this_request_nor_of_the_next() -> None:
    server = await wired()
    client = server.connect()
    ended = b"%x\r\n%b\r\n0\r\nX-Request-Id: mine\r\nX-VGate-Deadline-Ms: none\r\n\r\n" % (len(HELLO), HELLO)
    client.send(CHUNKED + ended + request(HELLO))
    await asyncio.sleep(5)
    assert [answer.status for answer in client.answers()] == [200, 200]
    assert all(answer.headers["x-request-id"] != "mine" for answer in client.answers())
    await end(server)


async def test_many_small_chunks_are_no_headers() -> None:
    server = await wired()
    client = server.connect()
    body = HELLO + b" " * 20_000
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    client.send(CHUNKED + chunks)
    await asyncio.sleep(5)
    assert only(client).status == 200
    await end(server)


@pytest.mark.parametrize("offer", ["h2c", "websocket", "TLS/1.0"])
async def test_an_offer_of_another_protocol_is_declined_and_the_body_is_read(offer: str) -> None:
    """Java's client makes one with its first request; the parser then takes the body for that protocol's."""
    server = await wired()
    client = server.connect()
    client.send(request(HELLO, connection="Upgrade, HTTP2-Settings", upgrade=offer, http2_settings="AAEAAEAAAAI"))
    client.send(request(HELLO))
    await asyncio.sleep(5)
    assert [answer.status for answer in client.answers()] == [200, 200]
    await end(server)


async def test_an_offer_of_another_protocol_by_who_will_close_is_answered_too() -> None:
    server = await wired()
    client = server.connect()
    client.send(request(HELLO, connection="Upgrade, close", upgrade="websocket"))
    await asyncio.sleep(5)
    assert only(client).status == 200
    assert client.closed
    await end(server)


async def test_an_offer_of_another_protocol_may_come_in_pieces() -> None:
    server = await wired()
    client = server.connect()
    for byte in request(HELLO, connection="upgrade", upgrade="h2c"):
        client.send(bytes([byte]))
    await asyncio.sleep(5)
    assert only(client).status == 200
    await end(server)


@pytest.mark.parametrize("stream", [b"true", b"false"])
async def test_http_1_0_gets_no_chunks(stream: bytes) -> None:
    server = await wired()
    client = server.connect()
    body = HELLO.replace(b"{", b'{"stream": %b, ' % stream, 1)
    client.send(request(body, expect="100-continue").replace(b"HTTP/1.1", b"HTTP/1.0"))
    await asyncio.sleep(5)
    assert "transfer-encoding" not in only(client).headers
    assert client.received.startswith(b"HTTP/1.1 200 ")
    said = only(client).body
    assert said.endswith(b"data: [DONE]\n\n") if stream == b"true" else json.loads(said)["choices"]
    assert client.closed
    await end(server)


async def test_a_body_that_is_no_http_counts_as_a_bad_request_and_not_as_a_client_that_left() -> None:
    server = await wired()
    client = server.connect()
    client.send(CHUNKED + b"zz\r\n")
    await asyncio.sleep(1)
    assert only(client).status == 400
    await end(server)
    (counted,) = server.service.metrics.stats()["vgate_requests_total"]
    assert counted["status"] == "400"


async def test_nothing_stands_between_the_connection_and_the_app() -> None:
    """Each layer would cost time with every request; uvicorn's own believes `X-Forwarded-For`."""
    server = await wired()
    assert isinstance(server._server.config.loaded_app, Cors)
    await end(server)
