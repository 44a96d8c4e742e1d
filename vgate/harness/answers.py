"""What an answer says, decoded after the measurement: token stamps, counts, errors."""

import json
from dataclasses import dataclass, field
from typing import Any

from vgate.harness.exchange import Exchange
from vgate.harness.sse import events


@dataclass
class Content:
    """An answer's content.

    t_tok: stamp of each chunk with content, CLOCK_MONOTONIC ns. Empty for whole answers.
    n_tok: tokens that came with each of these chunks; None when the server did not say and they cannot be told apart.
    client_tokens: chunks that carried a token, also those whose text is still empty (half a character).
    """

    t_tok: list[int] = field(default_factory=list)
    n_tok: list[int] | None = None
    client_tokens: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish_reason: str | None = None
    error: str | None = None


def decode(exchange: Exchange) -> Content:
    """The content of an exchange. Never raises: what cannot be read becomes `error`."""
    try:
        content = _decode(exchange)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        content = Content(error=f"cannot read the answer: {type(error).__name__}: {error}")
    content.error = exchange.error or content.error
    return content


def _decode(exchange: Exchange) -> Content:
    if exchange.error:
        return _stream(exchange)  # what came before the failure
    if exchange.status != 200:
        return Content(error=f"HTTP {exchange.status}: {_message(exchange.body)}")
    if exchange.body.lstrip().startswith(b"{"):
        return _whole(json.loads(exchange.body))
    content = _stream(exchange)
    if content.error is None and content.completion_tokens is None:
        content.error = "the answer carries no usage"
    return content


def _whole(answer: dict[str, Any]) -> Content:
    usage = answer["usage"]
    return Content(
        prompt_tokens=usage["prompt_tokens"],
        completion_tokens=usage["completion_tokens"],
        client_tokens=usage["completion_tokens"],
        finish_reason=answer["choices"][0].get("finish_reason"),
    )


def _stream(exchange: Exchange) -> Content:
    content = Content()
    totals: list[int | None] = []  # the server's token count so far, at each chunk with content, where it tells
    seen: list[int] = []  # the client's
    done = False
    for stamp, data in events(exchange.body, exchange.reads):
        if data == b"[DONE]":
            done = True
            continue
        chunk = json.loads(data)
        if "error" in chunk:
            content.error = f"stream error: {chunk['error'].get('message')}"
            continue
        usage = chunk.get("usage")
        if chunk.get("choices"):
            if _take_choice(chunk["choices"][0], content):
                content.t_tok.append(stamp)
                totals.append(usage and usage["completion_tokens"])
                seen.append(content.client_tokens)
        elif usage:
            content.prompt_tokens, content.completion_tokens = usage["prompt_tokens"], usage["completion_tokens"]
    if not done and content.error is None:
        content.error = "the stream ended without [DONE]"
    content.n_tok = _per_chunk(totals, seen, content)
    return content


def _take_choice(choice: dict[str, Any], content: Content) -> bool:
    """Count a chunk's token; True if it shows text. The role chunk and a bare finish chunk carry none."""
    content.finish_reason = choice.get("finish_reason") or content.finish_reason
    delta = choice["delta"]
    text = delta.get("content")
    if text or (text is not None and "role" not in delta):
        content.client_tokens += 1
    return bool(text)


def _per_chunk(totals: list[int | None], seen: list[int], content: Content) -> list[int] | None:
    """Tokens in each chunk with content: the server's word for it, else one per chunk if that adds up."""
    if len(totals) == 1 and content.completion_tokens:
        return [content.completion_tokens]
    told = [total for total in totals if total is not None]
    if not told or len(told) < len(totals):
        if content.client_tokens != content.completion_tokens:
            return None
        told = seen
    return [after - before for before, after in zip([0, *told], told, strict=False)]


def _message(body: bytes | bytearray) -> str:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, LookupError, TypeError):
        return bytes(body[:200]).decode(errors="replace")
