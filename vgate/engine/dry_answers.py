"""The dry-run engine's answers in OpenAI's form."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import orjson

from vgate import sse
from vgate.engine.dry_request import DryRequest
from vgate.engine.dry_steps import Sequence
from vgate.forms import Shape
from vgate.types import Call

_HEAD: dict[str, Any] = dict.fromkeys(["id", "object", "created", "model", "choices", "usage"])
_NO_USAGE: dict[str, Any] = dict.fromkeys(["prompt_tokens", "completion_tokens", "total_tokens"])
# As `whole` writes them.
SHAPES = {
    "chat": Shape(_HEAD, dict.fromkeys(["index", "message", "logprobs", "finish_reason"]), {}, _NO_USAGE),
    "completions": Shape(_HEAD, dict.fromkeys(["index", "text", "logprobs", "finish_reason"]), {}, _NO_USAGE),
}


def whole(call: Call, request: DryRequest, model: str) -> bytes:
    """An answer that is not streamed."""
    choices = []
    for index, words in enumerate(request.choices):
        text, reason = "".join(words), request.finish_reasons[index]
        said = {"message": {"role": "assistant", "content": text}} if call.endpoint == "chat" else {"text": text}
        choices.append({"index": index, **said, "logprobs": None, "finish_reason": reason})
    return orjson.dumps({**_head(call, model, streamed=False), "choices": choices, "usage": _usage(request)})


async def stream(call: Call, request: DryRequest, model: str, sequences: list[Sequence]) -> AsyncIterator[bytes]:
    """An answer token by token, all choices interleaved as they are made."""
    head = _head(call, model, streamed=True)
    if call.endpoint == "chat":
        await asyncio.gather(*(sequence.wait_for(1) for sequence in sequences))
        for index in range(len(sequences)):
            yield sse.encode(
                {**head, "choices": [_choice(index, {"delta": {"role": "assistant", "content": ""}}, None)]}
            )
    for position in range(max(len(words) for words in request.choices)):
        for index, words in enumerate(request.choices):
            if position < len(words):
                await sequences[index].wait_for(position + 1)
                reason = request.finish_reasons[index] if position == len(words) - 1 else None
                said = {"delta": {"content": words[position]}} if call.endpoint == "chat" else {"text": words[position]}
                yield sse.encode({**head, "choices": [_choice(index, said, reason)]})
    yield sse.encode({**head, "choices": [], "usage": _usage(request)})
    yield sse.DONE


def _head(call: Call, model: str, *, streamed: bool) -> dict[str, Any]:
    prefix, kind = ("chatcmpl", "chat.completion") if call.endpoint == "chat" else ("cmpl", "text_completion")
    suffix = ".chunk" if streamed and call.endpoint == "chat" else ""
    return {"id": f"{prefix}-{call.id}", "object": f"{kind}{suffix}", "created": int(time.time()), "model": model}


def _choice(index: int, said: dict[str, Any], reason: str | None) -> dict[str, Any]:
    return {"index": index, **said, "logprobs": None, "finish_reason": reason}


def _usage(request: DryRequest) -> dict[str, int]:
    made = sum(len(words) for words in request.choices)
    return {
        "prompt_tokens": request.prompt_tokens,
        "completion_tokens": made,
        "total_tokens": request.prompt_tokens + made,
    }
