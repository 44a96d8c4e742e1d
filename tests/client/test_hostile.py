"""Servers, networks and programs as they should not be."""

import asyncio
import gc
import json
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from tests.client.loopback import CHAT, DONE, HOLD, Loopback, answer, delta, events
from vgate import client as sdk
from vgate.client import sse

HELLO = [{"role": "user", "content": "hello"}]
ASK: Any = {"model": "tiny", "messages": HELLO}
EMPTY = [b"HTTP/1.1 204 No Content\r\nx-note: content-length\r\n\r\n"]


def raw(status: str, body: bytes, *headers: str) -> list[bytes]:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""])
    return [head.encode() + body]


def fails(server: Loopback, script: list[bytes], kind: type[sdk.VGateError], stream: bool = False) -> sdk.VGateError:
    """What a client makes of the script; both clients make the same of it."""
    server.heads.clear()
    server.scripts = [script, script]

    async def waiting() -> None:
        async with sdk.AsyncClient(server.url, "sk-mine") as client:
            found: Any = await client.chat.create(**ASK, stream=stream)
            _ = [chunk async for chunk in found] if stream else None

    with sdk.Client(server.url, "sk-mine") as client, pytest.raises(kind) as first:
        list(client.chat.create(**ASK, stream=stream))
    with pytest.raises(kind) as second:
        asyncio.run(waiting())
    assert str(first.value) == str(second.value)
    assert "sk-mine" not in str(first.value)
    return first.value


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "script",
    [
        EMPTY,
        raw("200 OK", b""),
        raw("200 OK", b"<html>Welcome to the hotel</html>", "content-type: text/html"),
        raw("200 OK", b'{"choices": "\xff\xfe"}', "content-type: application/json; charset=klingon"),
        raw("200 OK", b"no gzip", "content-encoding: gzip", "content-type: application/json"),
    ],
    ids=["204", "empty", "a portal's page", "bad UTF-8", "bad gzip"],
)
def test_a_good_status_with_a_bad_body_is_no_answer(server: Loopback, script: list[bytes], stream: bool) -> None:
    fails(server, script, sdk.ResponseError, stream)


def test_a_proxys_error_page_is_shown_in_part(server: Loopback) -> None:
    page = b"<html><h1>502 Bad Gateway</h1>" + b"<!-- padding -->" * 10_000
    error = fails(server, raw("502 Bad Gateway", page, "content-type: text/html"), sdk.ServerError)
    assert str(error).startswith("502: <html><h1>502 Bad Gateway</h1>")
    assert len(str(error)) < 600


@pytest.mark.parametrize("status", ["301 Moved Permanently", "307 Temporary Redirect", "308 Permanent Redirect"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_redirect_is_told_and_the_key_goes_nowhere_else(server: Loopback, status: str, stream: bool) -> None:
    error = fails(server, raw(status, b"", "location: https://elsewhere.invalid/v1"), sdk.APIError, stream)
    assert "points to https://elsewhere.invalid/v1, and redirects are not followed" in str(error)


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_shorter_than_promised_is_a_broken_connection(server: Loopback, stream: bool) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nContent-Length: 999\r\n\r\n"
    fails(server, [head + b'{"choi'], sdk.StreamInterrupted if stream else sdk.ConnectionError_, stream)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "body", ["Content-Length: 99\r\n\r\n{", "Content-Length: 3\r\ncontent-encoding: gzip\r\n\r\nabc"]
)
def test_a_refusal_whose_body_cannot_be_read_is_a_refusal_still(server: Loopback, stream: bool, body: str) -> None:
    script = [f"HTTP/1.1 429 Slow Down\r\nretry-after: 99\r\n{body}".encode()]
    error = fails(server, script, sdk.RateLimitError, stream)
    assert (str(error), getattr(error, "retry_after", None)) == ("429: Slow Down", 99.0)


def test_bad_utf8_in_a_stream_is_replaced(server: Loopback) -> None:
    server.scripts = [events(delta("na\u00efve").replace(b"\xc3\xaf", b"\xc3"), DONE)]
    with sdk.Client(server.url) as client:
        assert "".join(chunk.text for chunk in client.chat.create(**ASK, stream=True)) == "na\ufffdve"


def test_an_event_without_end_does_not_fill_the_memory(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 10_000)
    assert "longer than 10000 bytes" in str(fails(server, events(*[b"x" * 3000] * 9), sdk.ResponseError, True))
    assert "longer than" in str(fails(server, events(*[b"data: " + b"x" * 3000 + b"\n"] * 9), sdk.ResponseError, True))
    server.heads.clear()
    server.scripts = [events(*[b": waiting" + b"." * 3000 + b"\n"] * 9, delta("Hi"), DONE)]
    with sdk.Client(server.url) as client:
        assert [chunk.text for chunk in client.chat.create(**ASK, stream=True)] == ["Hi"]


def test_a_password_in_the_address_or_in_a_header_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    asked: list[str] = []

    def fail(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["authorization"])
        if len(asked) == 1:
            return httpx.Response(200, json=CHAT)
        raise httpx.ReadError("reset", request=request)

    caplog.set_level("DEBUG")
    with sdk.Client("http://me:hunter2@host/v1", transport=httpx.MockTransport(fail)) as client:
        client.chat.create(**ASK)
        with pytest.raises(sdk.VGateError) as caught:
            client.chat.create(**ASK)
    assert asked == ["Basic bWU6aHVudGVyMg=="] * 2
    assert "http://host/v1/chat/completions" in caplog.text
    assert "hunter2" not in caplog.text + str(caught.value) + str(vars(client))
    for name in ("X-Api-Key", "Authorization"):
        with sdk.Client() as client, pytest.raises(ValueError, match=f"extra_headers: '{name}' must be") as refused:
            client.chat.create(**ASK, extra_headers={name: "hunter2\n"})
        assert "hunter2" not in str(refused.value)
    for wrong in ("ftp://me:hunter2@host/v1", "http://me:hunter2@host:port/v1", "http://me:hunter2@a..b/v1"):
        with pytest.raises(ValueError, match="base_url") as refused:
            sdk.Client(wrong)
        assert "hunter2" not in "".join(traceback.format_exception(refused.value)).replace(wrong, "")


def test_proxies_of_the_environment_are_heeded(server: Loopback, no_settings: pytest.MonkeyPatch) -> None:
    server.scripts = [answer(CHAT), answer(CHAT)]
    no_settings.setenv("HTTP_PROXY", server.url.removesuffix("/v1"))
    with sdk.Client("http://gateway.invalid/v1") as client:
        assert client.chat.create(**ASK).text == "Hi"
    assert server.heads[0].startswith("post http://gateway.invalid/v1/chat/completions")
    no_settings.setenv("NO_PROXY", "127.0.0.1")
    with sdk.Client(server.url) as client:
        assert client.chat.create(**ASK).text == "Hi"
    assert server.heads[1].startswith("post /v1/chat/completions")


def test_S2_leaving_a_loop_hangs_up_at_once(server: Loopback) -> None:
    """Without the garbage collector's help: nothing holds the stream but the loop."""
    server.scripts = [events(delta("Hel"), HOLD)]
    gc.disable()
    try:
        with sdk.Client(server.url) as client:
            for chunk in client.chat.create(**ASK, stream=True):
                assert chunk.text == "Hel"
                break
            assert server.hung_up.wait(5)
    finally:
        gc.enable()


@pytest.mark.parametrize("read", [True, False])
def test_S2_a_stream_that_is_lost_hangs_up(server: Loopback, read: bool) -> None:
    server.scripts = [events(delta("Hel"), HOLD)]

    async def lose(client: sdk.AsyncClient) -> None:
        chunks = await client.chat.create(**ASK, stream=True)
        if read:
            await anext(chunks)

    async def call() -> bool:
        async with sdk.AsyncClient(server.url) as client:
            await lose(client)
            return await asyncio.to_thread(server.hung_up.wait, 5)

    assert asyncio.run(call())


def test_a_stream_may_be_closed_by_another_thread_than_the_one_that_waits(server: Loopback) -> None:
    server.scripts = [events(delta("Hel"), HOLD)]
    with sdk.Client(server.url) as client:
        chunks = client.chat.create(**ASK, stream=True)
        assert next(chunks).text == "Hel"
        threading.Timer(0.1, chunks.close).start()
        with pytest.raises(sdk.StreamInterrupted):
            next(chunks)
        assert server.hung_up.wait(5)


def test_a_stream_may_be_closed_by_another_task_than_the_one_that_waits(server: Loopback) -> None:
    server.scripts = [events(delta("Hel"), HOLD)]

    async def call() -> None:
        async with sdk.AsyncClient(server.url) as client:
            chunks = await client.chat.create(**ASK, stream=True)
            await anext(chunks)
            waiting = asyncio.ensure_future(anext(chunks))
            await asyncio.sleep(0.05)
            await chunks.close()
            with pytest.raises(sdk.StreamInterrupted):
                await waiting

    asyncio.run(call())
    assert server.hung_up.wait(5)


def test_closing_a_client_twice_is_harmless_and_a_closed_one_says_so() -> None:
    async def waiting() -> None:
        client = sdk.AsyncClient()
        await client.close()
        await client.close()
        with pytest.raises(RuntimeError, match="closed"):
            await client.chat.create(**ASK)

    client = sdk.Client()
    client.close()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.chat.create(**ASK)
    asyncio.run(waiting())


class Echo(BaseHTTPRequestHandler):
    """Says what was said to it."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        body = json.dumps({"choices": [{"message": {"content": asked["messages"][0]["content"]}}]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join(5)


def test_threads_that_share_a_client_get_their_own_answers(echo: str) -> None:
    with sdk.Client(echo) as client, ThreadPoolExecutor(8) as pool:
        asked = [f"number {number}" for number in range(100)]
        said = pool.map(
            lambda text: client.chat.create(model="m", messages=[{"role": "user", "content": text}]).text, asked
        )
        assert list(said) == asked


FORKED = """
import os, sys, vgate
client = vgate.Client(sys.argv[1])
def ask(who):
    for number in range(30):
        text = f"{who} {number}"
        assert client.chat.create(model="m", messages=[{"role": "user", "content": text}]).text == text
ask("before")
child = os.fork()
ask("child" if child == 0 else "parent")
if child:
    assert os.waitpid(child, 0)[1] == 0
    client.close()
else:
    os._exit(0)
"""


def test_a_process_and_its_fork_do_not_read_each_others_answers(echo: str) -> None:
    done = subprocess.run([sys.executable, "-c", FORKED, echo], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
