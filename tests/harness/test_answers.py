import json
from typing import Any

import pytest

from vgate.harness.answers import Content, decode
from vgate.harness.exchange import Exchange

ROLE = {"choices": [{"delta": {"role": "assistant", "content": ""}}]}
DONE = "[DONE]"


def text(content: str | None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {} if content is None else {"content": content}
    return {"choices": [{"delta": delta, "finish_reason": finish}], **more}


def usage(count: int) -> dict[str, Any]:
    return {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": count}}


def stream(*chunks: dict[str, Any] | str, **about: Any) -> Content:
    """What a stream says whose chunks came at 1, 2, 3, ..."""
    lines = [f"data: {chunk if isinstance(chunk, str) else json.dumps(chunk)}\n\n".encode() for chunk in chunks]
    reads = [(index + 1, len(line)) for index, line in enumerate(lines)]
    return decode(Exchange("n", "id", 0, **{"status": 200, "reads": reads, "body": b"".join(lines), **about}))


def test_a_plain_stream() -> None:
    content = stream(ROLE, text("a"), text("b", "length"), usage(2), DONE)
    assert content == Content([2, 3], [1, 1], 2, 3, 2, "length", None)


def test_the_role_chunk_and_a_bare_finish_chunk_carry_no_token() -> None:
    content = stream(ROLE, text("a"), text("b"), text(None, "stop"), usage(2), DONE)
    assert (content.t_tok, content.n_tok, content.client_tokens, content.finish_reason) == ([2, 3], [1, 1], 2, "stop")


def test_a_token_without_text_yet_counts_with_the_chunk_that_shows_it() -> None:
    """Half a character: TTFT waits for the text, the token is not lost."""
    content = stream(ROLE, text(""), text("é"), text(""), text("b"), usage(4), DONE)
    assert (content.t_tok, content.n_tok, content.client_tokens) == ([3, 5], [2, 2], 4)


def test_a_role_chunk_with_text_is_content() -> None:
    content = stream({"choices": [{"delta": {"role": "assistant", "content": "a"}}]}, usage(1), DONE)
    assert content.t_tok == [1]


def test_bundles_are_unknown_unless_the_server_tells() -> None:
    assert stream(ROLE, text("ab"), text("c"), usage(3), DONE).n_tok is None


def test_usage_per_chunk_tells() -> None:
    counts = [{"usage": {"prompt_tokens": 3, "completion_tokens": n}} for n in (2, 5)]
    content = stream(ROLE, text("ab", **counts[0]), text("cde", **counts[1]), usage(5), DONE)
    assert (content.n_tok, content.completion_tokens) == ([2, 3], 5)


def test_everything_in_one_chunk_is_known() -> None:
    """A replay from a cache."""
    assert stream(ROLE, text("abc"), usage(3), DONE).n_tok == [3]


def test_a_whole_answer() -> None:
    body = {"choices": [{"message": {"content": "abc"}, "finish_reason": "stop"}]} | usage(3) | {}
    body["choices"] = [{"message": {"content": "abc"}, "finish_reason": "stop"}]
    raw = json.dumps(body).encode()
    content = decode(Exchange("n", "id", 0, status=200, reads=[(5, len(raw))], body=raw))
    assert content == Content([], None, 3, 3, 3, "stop", None)


@pytest.mark.parametrize(
    ("chunks", "error"),
    [
        ([ROLE, text("a"), usage(1)], "the stream ended without [DONE]"),
        ([ROLE, text("a"), DONE], "the answer carries no usage"),
        ([ROLE, text("a"), {"error": {"message": "engine died"}}], "stream error: engine died"),
        (["{broken"], "cannot read the answer: JSONDecodeError"),
        ([{"choices": [{}]}], "cannot read the answer: KeyError"),
    ],
)
def test_what_is_no_good_answer(chunks: list[Any], error: str) -> None:
    assert (stream(*chunks).error or "").startswith(error)


def test_a_refusal_says_why() -> None:
    raw = b'{"error": {"message": "the queue is full"}}'
    assert decode(Exchange("n", "id", 0, status=503, body=raw)).error == "HTTP 503: the queue is full"
    assert decode(Exchange("n", "id", 0, status=502, body=b"<html>")).error == "HTTP 502: <html>"


def test_what_came_before_a_broken_connection_is_kept() -> None:
    content = stream(ROLE, text("a"), text("b"), error="connection reset")
    assert (content.error, content.t_tok, content.client_tokens) == ("connection reset", [2, 3], 2)
    assert content.completion_tokens is None
