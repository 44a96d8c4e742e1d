"""What a stream of the dry-run engine must say, and whether it has said that."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from vgate.engine.dry_request import read_request
from vgate.types import Call, Endpoint

MODEL, CONTEXT = "tiny", 2048
PATHS: dict[Endpoint, str] = {"chat": "/v1/chat/completions", "completions": "/v1/completions"}


@dataclass
class Want:
    """The text, its tokens, and whether usage is to be told."""

    text: str
    prompt_tokens: int
    tokens: int
    usage: bool
    role: bool


@dataclass
class Seen:
    """Events of an answer, as their data; the longest time in which none came."""

    status: int = 0
    data: list[str] = field(default_factory=list)
    error: str = ""
    longest_gap_s: float = 0.0


def expected(endpoint: Endpoint, prompt: str, tokens: int, *, usage: bool) -> tuple[str, dict[str, Any], Want]:
    """Where to send what, and what must come: the engine is asked here, without a server."""
    asked = {"messages": [{"role": "user", "content": prompt}]} if endpoint == "chat" else {"prompt": prompt}
    body = {"model": MODEL, "temperature": 0, "max_tokens": tokens, "stream": True, **asked}
    if usage:
        body["stream_options"] = {"include_usage": True}
    said = read_request(Call("0", endpoint, body), MODEL, CONTEXT)
    want = Want("".join(said.choices[0]), said.prompt_tokens, len(said.choices[0]), usage, endpoint == "chat")
    return PATHS[endpoint], body, want


def judge(seen: Seen, want: Want) -> dict[str, Any]:
    """In one word what is wrong; "" for nothing."""
    return {"wrong": _wrong(seen, want), "events": len(seen.data), "longest_gap_s": round(seen.longest_gap_s, 4)}


def _wrong(seen: Seen, want: Want) -> str:
    if seen.error or seen.status != 200:
        return f"no answer: {seen.error or seen.status} {seen.data[-1:]}"
    if not seen.data or seen.data[-1] != "[DONE]":
        return f"no end: {seen.data[-1:]}"
    chunks = [json.loads(data) for data in seen.data[:-1]]
    if any("error" in chunk for chunk in chunks):
        return "an error event"
    choices = [chunk["choices"][0] for chunk in chunks if chunk["choices"]]
    text = "".join(choice.get("text") or choice.get("delta", {}).get("content", "") for choice in choices)
    finishes = [choice["finish_reason"] for choice in choices if choice["finish_reason"]]
    roles = sum("role" in choice.get("delta", {}) for choice in choices)
    counts = [chunk["usage"] for chunk in chunks if chunk.get("usage")]
    all_of_it = {"prompt_tokens": want.prompt_tokens, "completion_tokens": want.tokens}
    told = [{**all_of_it, "total_tokens": want.prompt_tokens + want.tokens}] if want.usage else []
    checks = {
        "another text": text == want.text,
        "another end": finishes == ["length"],
        "another number of roles": roles == want.role,
        "another usage": counts == told,
        "several ids": len({chunk["id"] for chunk in chunks}) == 1,
    }
    return next((name for name, right in checks.items() if not right), "")
