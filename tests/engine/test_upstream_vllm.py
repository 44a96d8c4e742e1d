"""A gateway in front of a server with real vLLM: answers pass unchanged, and streams that are cut go on exactly."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.cutting import Cutting
from tests.servers import Server, running

CHAT = {"model": "tiny", "messages": [{"role": "user", "content": "the river and the stone"}], "temperature": 0}
TEXT = {"model": "tiny", "prompt": "the river and the stone", "temperature": 0}
TOKENS = re.compile(r'"(prompt_token_ids|token_ids)":\[[\d,]*\]')
EVENT = re.compile(rb"data: [^\n]*\n\n")
CHANGING = re.compile(r'"(id|created)":("[^"]*"|\d+)')


@pytest.fixture(scope="module")
def cutting(vllm_server: Server) -> Iterator[Cutting]:
    with Cutting(urlsplit(vllm_server.base_url).port or 0) as cutting:
        yield cutting


@pytest.fixture(scope="module")
def gateway(cutting: Cutting) -> Iterator[Server]:
    listed = f"engine.workers=['{cutting.url}']"
    with running("engine=upstream", "cache=none", listed, "engine.continue_seeded=true") as server:
        yield server


def post(server: Server, body: dict[str, Any]) -> httpx.Response:
    path = "/v1/chat/completions" if "messages" in body else "/v1/completions"
    return httpx.post(f"{server.base_url}{path}", json=body, timeout=60)


def steady(text: str) -> str:
    """Without what differs between any two answers."""
    return CHANGING.sub(r'"\1":_', text)


FIELDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "usage": {"stream_options": {"include_usage": True}},
    "logprobs": {"logprobs": True, "top_logprobs": 2},
    "choices": {"n": 2, "temperature": 0.8, "seed": 3},
    "tools": {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]},
    "structured": {"response_format": {"type": "json_object"}},
    "token ids": {"return_token_ids": True},
}


@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
def test_S13_the_bytes_of_a_stream_pass_unchanged_but_for_the_id(
    gateway: Server, cutting: Cutting, fields: dict[str, Any]
) -> None:
    """Held against what the worker has sent: two answers to one question may be cut otherwise."""
    cutting.passed.clear()
    answer = post(gateway, {**CHAT, "max_tokens": 12, "stream": True, **fields})
    assert answer.status_code == 200
    sent = [event.decode() for event in EVENT.findall(bytes(cutting.passed))]
    if "return_token_ids" not in fields:  # which were asked for so that another worker could go on
        sent = [TOKENS.sub(r'"\1":null', event) for event in sent]
    if "stream_options" not in fields:
        assert sum('"choices":[]' in event for event in sent) == 1, "the gateway has asked for usage, S8"
        sent = [event for event in sent if '"choices":[]' not in event]
    assert steady(answer.text) == steady("".join(sent))
    assert [event.split('"created"')[1:] for event in answer.text.split("\n\n")] == [
        event.split('"created"')[1:] for event in "".join(sent).split("\n\n")
    ]


@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
def test_S13_whole_answers_pass_as_they_are(vllm_server: Server, gateway: Server, fields: dict[str, Any]) -> None:
    asked = {name: value for name, value in fields.items() if name != "stream_options"}
    body = {**CHAT, "max_tokens": 12, **asked}
    direct, through = post(vllm_server, body), post(gateway, body)
    assert (direct.status_code, through.status_code) == (200, 200)
    assert steady(through.text) == steady(direct.text)


@pytest.mark.parametrize(
    "wrong", [{"max_tokens": -1}, {"temperature": "hot"}, {"messages": "hi"}, {"shiny": 1}, {"max_tokens": 10**6}]
)
def test_errors_are_those_of_vllm(vllm_server: Server, gateway: Server, wrong: dict[str, Any]) -> None:
    direct, through = (post(server, {**CHAT, **wrong}) for server in (vllm_server, gateway))
    assert (through.status_code, through.json()) == (direct.status_code, direct.json())


def said(answer: httpx.Response) -> tuple[str, list[Any], list[Any], set[str]]:
    """Text, finish reasons, usages, ids."""
    *events, end = [line[6:] for line in answer.text.split("\n") if line.startswith("data: ")]
    assert end == "[DONE]", answer.text[-500:]
    chunks = [json.loads(event) for event in events]
    choices = [chunk["choices"][0] for chunk in chunks if chunk["choices"]]
    text = "".join(choice.get("text") or choice.get("delta", {}).get("content") or "" for choice in choices)
    finishes = [choice["finish_reason"] for choice in choices if choice["finish_reason"]]
    assert sum("role" in choice.get("delta", {}) for choice in choices) == ("delta" in choices[0])
    return text, finishes, [chunk["usage"] for chunk in chunks if chunk.get("usage")], {c["id"] for c in chunks}


def keys(answer: httpx.Response) -> set[str]:
    """How its chunks look: the names of all fields, with null where it is said."""
    chunks = [line[6:] for line in answer.text.split("\n") if line.startswith("data: {")]
    return {re.sub(r'"(text|content)":"(\\.|[^"\\])*"', "_", CHANGING.sub("_", chunk)) for chunk in chunks}


@pytest.mark.parametrize("cut_after", [1200, 2500])
@pytest.mark.parametrize(
    "body",
    [CHAT, TEXT, {**CHAT, "temperature": 0.9, "seed": 7}, {**CHAT, "stop": ["zzz"]}],
    ids=["chat", "completions", "seeded", "stop"],
)
def test_a_stream_that_is_cut_goes_on_exactly(
    vllm_server: Server, gateway: Server, cutting: Cutting, body: dict[str, Any], cut_after: int
) -> None:
    body = {**body, "max_tokens": 80, "ignore_eos": True, "stream": True, "stream_options": {"include_usage": True}}
    direct = post(vllm_server, body)
    whole = said(direct)
    before, cutting.cut_after = cutting.cuts, cut_after
    through = post(gateway, body)
    text, finishes, usages, ids = said(through)
    assert cutting.cuts == before + 1
    assert (text, finishes, usages) == whole[:3]
    assert len(ids) == 1
    assert keys(through) == keys(direct)


def test_it_goes_on_by_tokens_where_chunks_are_single_ones(
    vllm_server: Server, gateway: Server, cutting: Cutting
) -> None:
    """On a busy machine this vLLM is ahead of its readers and puts several into each chunk; then all is said again."""
    body = {**CHAT, "max_tokens": 80, "ignore_eos": True, "stream": True, "stream_options": {"include_usage": True}}
    whole = said(post(vllm_server, body))
    vllm_server.forget()
    for _ in range(20):
        cutting.cut_after = 1500
        assert said(post(gateway, body))[:3] == whole[:3]
        if vllm_server.find("request done", endpoint="/v1/completions", stream=True, status=200):
            return
    raise AssertionError("none of 20 chats went on as a completion")
