"""The judge of all these cases finds what is wrong."""

import pytest

from tests.api.wire import Malformed, answers
from tests.fuzz.judge import complaints, gauges_in_use, strange_labels

HEAD = b"HTTP/1.1 %s\r\nx-request-id: 1\r\n"
ERROR = b'{"error":{"message":"m","type":"t","param":null,"code":null}}'


def sized(status: bytes, body: bytes, kind: bytes = b"application/json") -> bytes:
    return HEAD % status + b"content-type: %b\r\ncontent-length: %d\r\n\r\n%b" % (kind, len(body), body)


def chunked(*chunks: bytes) -> bytes:
    head = HEAD % b"200 OK" + b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)


GOOD = {
    "whole": sized(b"200 OK", b"{}"),
    "error": sized(b"400 Bad Request", ERROR),
    "two": sized(b"200 OK", b"{}") + sized(b"404 Not Found", ERROR),
    "after going on": b"HTTP/1.1 100 Continue\r\n\r\n" + sized(b"200 OK", b"{}"),
    "stream": chunked(b"data: {}\n\n", b"data: [DONE]\n\n", b""),
}
BAD = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nx-a: b",
    "no status line": b"hello\r\n\r\n",
    "another version": b"HTTP/1.0 200 OK\r\n\r\n",
    "a header without a name": b"HTTP/1.1 200 OK\r\n: x\r\n\r\n",
    "a control character in a header": b"HTTP/1.1 200 OK\r\nx-a: \x00\r\n\r\n",
    "a header twice": sized(b"200 OK", b"{}").replace(b"x-request-id: 1\r\n", b"x-request-id: 1\r\n" * 2),
    "no id": sized(b"200 OK", b"{}").replace(b"x-request-id", b"x-other"),
    "too short": sized(b"200 OK", b"{}")[:-1],
    "too long": sized(b"200 OK", b"{}") + b"x",
    "server error": sized(b"500 Internal Server Error", ERROR),
    "late without a deadline": sized(b"504 Gateway Timeout", ERROR),
    "an error of another form": sized(b"400 Bad Request", b'{"detail":"m"}'),
    "an error without words": sized(b"400 Bad Request", ERROR.replace(b'"m"', b'""')),
    "plain text": sized(b"400 Bad Request", b"Invalid HTTP request received.", b"text/plain"),
    "no JSON": sized(b"200 OK", b"{"),
    "no last chunk": chunked(b"data: [DONE]\n\n"),
    "no [DONE]": chunked(b"data: {}\n\n", b""),
    "an answer inside another": chunked(b"data: {}\n\n") + sized(b"400 Bad Request", ERROR),
    "[DONE] after an error": chunked(b'data: {"error":{}}\n\n', b"data: [DONE]\n\n", b""),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_answers_are_good(name: str) -> None:
    assert complaints(b"x", GOOD[name], closed=True) == []


@pytest.mark.parametrize("name", BAD)
def test_bad_answers_are_found(name: str) -> None:
    assert complaints(b"x", BAD[name], closed=True) != []


def test_line_ends_alone_need_no_answer() -> None:
    assert complaints(b"\r\n\r\n", b"", closed=True) == []


def test_a_deadline_explains_a_late_answer() -> None:
    assert complaints(b"X-VGate-Deadline-Ms: 1", BAD["late without a deadline"], closed=True) == []


def test_what_is_still_under_way_is_no_answer_yet() -> None:
    assert answers(b"HTTP/1.1 200 O", closed=False) == []
    with pytest.raises(Malformed):
        answers(b"HTTP/1.1 200 O", closed=True)


def test_labels_and_gauges_are_read() -> None:
    text = (
        "# TYPE vgate_queue_waiting gauge\nvgate_queue_waiting 2.0\n"
        "# TYPE vgate_cache_bytes gauge\nvgate_cache_bytes 9.0\n"
        'vgate_requests_total{endpoint="other",method="GET",status="404"} 1.0\n'
        'vgate_requests_total{endpoint="/secret",method="GET",status="404"} 1.0\n'
    )
    assert gauges_in_use(text) == {"vgate_queue_waiting": 2}
    assert strange_labels(text) == ['vgate_requests_total{endpoint="/secret",method="GET",status="404"} 1.0']
