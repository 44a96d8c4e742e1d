"""What one connection may send, how long it may take, and what it is told; all in virtual time."""

import asyncio
import json

import pytest

from tests.api.wire import Answer, Client, Wired, request, wired
from vgate.api.protocol import MAX_HEADER_BYTES, MAX_PIPELINED

HELLO = b'{"messages": [{"role": "user", "content": "x"}], "max_tokens": 2, "temperature": 0}'
LONG = HELLO.replace(b'"max_tokens": 2', b'"max_tokens": 1000')
HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = request(b"", transfer_encoding="chunked").replace(b"content-length: 0\r\n", b"")


async def end(server: Wired) -> None:
    await server.idle()
    await server.stop()


def running(server: Wired) -> int:
    """Requests in the engine."""
    return int(server.service.metrics.stats()["vgate_engine_running"])


def only(client: Client) -> Answer:
    (answer,) = client.answers()
    assert answer.whole
    return answer


def code(answer: Answer) -> str:
    error = json.loads(answer.body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    return str(error["code"])


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
