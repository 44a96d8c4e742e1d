"""What tests of single connections send, and how they look at what comes back."""

import json

from tests.api.wire import Answer, Client, Wired, request

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
