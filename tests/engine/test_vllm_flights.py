"""Dedup single_flight on real vLLM: one generation for many, streamed and whole, and who leaves."""

import asyncio
import re
import time
from typing import Any

import httpx
import orjson
import pytest

from tests.engine.test_vllm import CHAT, LRU, NO_CACHE, NO_DEDUP, body, generated, strategy
from tests.quickest import quickest
from tests.servers import Server
from vgate import forms, sse
from vgate.types import Endpoint, Event

pytestmark = pytest.mark.vllm

SINGLE = {
    "_target_": "vgate.dedup.single_flight.SingleFlight",
    "scope": "key",
    "sampled": False,
    "max_buffer_bytes": 2**21,
}
PASSTHROUGH = strategy("passthrough.Passthrough", 8, 50)
CLIENTS = 200
_ID = re.compile(rb"chatcmpl-[0-9a-f]{32}")


def client_of(server: Server) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.base_url, limits=httpx.Limits(max_connections=CLIENTS), timeout=120)


def test_D1_D10_two_hundred_identical_streams_are_one_request_for_vllm(vllm_server: Server) -> None:
    """By vLLM's own counters of requests and tokens. They come over a second, the answer takes longer."""
    vllm_server.swap(batch=PASSTHROUGH, cache=LRU, dedup=SINGLE)
    before, tokens = generated(vllm_server), vllm_server.metric("vllm:generation_tokens_total")
    asked = body("The same for all", stream=True, max_tokens=1500)

    async def gather() -> list[httpx.Response]:
        async with client_of(vllm_server) as client:

            async def one(number: int) -> httpx.Response:
                await asyncio.sleep(number / CLIENTS)
                return await client.post(CHAT, json=asked)

            return await asyncio.gather(*(one(number) for number in range(CLIENTS)))

    answers = asyncio.run(gather())
    assert generated(vllm_server) - before == 1
    assert vllm_server.metric("vllm:generation_tokens_total") - tokens == 1500
    assert len({_ID.sub(b"ID", answer.content) for answer in answers}) == 1
    assert len({_ID.search(answer.content)[0] for answer in answers}) == CLIENTS  # type: ignore[index]
    assert answers[0].content.endswith(b"data: [DONE]\n\n")
    verdicts = [answer.headers["x-vgate-cache"] for answer in answers]
    assert verdicts.count("miss") == 1
    assert verdicts.count("coalesced") >= CLIENTS / 4, "the others came so late that they are hits"


async def running_count(client: httpx.AsyncClient) -> float:
    rows = (await client.get("/metrics")).text.splitlines()
    return sum(float(row.rpartition(" ")[2]) for row in rows if row.startswith("vllm:num_requests_running{"))


def test_D4_the_first_leaves_and_others_finish_the_last_leaves_and_vllm_stops_within_200_ms(
    vllm_server: Server,
) -> None:
    """Seen in vLLM's own count of running requests."""
    vllm_server.swap(batch=PASSTHROUGH, cache=NO_CACHE, dedup=SINGLE)

    async def first_leaves() -> httpx.Response:
        async with client_of(vllm_server) as client:
            asked = body("Go on", max_tokens=600, stream=True)
            first, second = [asyncio.create_task(client.post(CHAT, json=asked)) for _ in range(2)]
            while await running_count(client) == 0:
                assert not first.done()
            first.cancel()
            return await second

    async def all_leave() -> float:
        async with client_of(vllm_server) as client:
            asked = body("Go on and on", max_tokens=1900, stream=True)
            tasks = [asyncio.create_task(client.post(CHAT, json={**asked, "stream": n < 2})) for n in range(4)]
            while await running_count(client) == 0:
                assert not tasks[0].done()
            for task in tasks:
                task.cancel()
            left = time.monotonic()
            while await running_count(client) > 0:
                assert time.monotonic() - left < 5
            return time.monotonic() - left

    answer = asyncio.run(first_leaves())
    assert answer.content.count(b"data: ") > 500
    assert answer.content.endswith(b"data: [DONE]\n\n")
    assert quickest(0.2, lambda: asyncio.run(all_leave())) < 0.2


SCHEMA = {"type": "object", "properties": {"wet": {"type": "boolean"}}, "required": ["wet"]}
RIVERS: dict[str, Any] = {"messages": [{"role": "user", "content": "Tell me about rivers"}]}
COMMON: dict[str, dict[str, Any]] = {
    "plain": {},
    "one token": {"max_tokens": 1},
    "stop": {"stop": ["e"], "max_tokens": 60},
    "stop kept": {"stop": ["e"], "include_stop_str_in_output": True, "max_tokens": 60},
    "stop ids": {"stop_token_ids": list(range(2000))},
    "choices": {"n": 3, "seed": 7, "temperature": 1.0},
    "sampling": {"seed": 3, "temperature": 1.2, "top_p": 0.9, "top_k": 50, "min_p": 0.01, "max_tokens": 80},
    "penalties": {"frequency_penalty": 1.0, "presence_penalty": 0.5, "repetition_penalty": 1.1, "max_tokens": 40},
    "length": {"min_tokens": 5, "ignore_eos": True},
    "bias": {"logit_bias": {"100": 50}},
    "schema": {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}},
    "choice": {"structured_outputs": {"choice": ["yes please", "no"]}},
    "token ids": {"return_token_ids": True},
    "others": {"user": "ann", "cache_salt": "a", "priority": 0},
}
CHATS = {
    **COMMON,
    "logprobs": {"logprobs": True, "top_logprobs": 3},
    "logprobs of choices": {"logprobs": True, "n": 2, "seed": 1, "temperature": 1.0},
    "completion tokens": {"max_completion_tokens": 5},
    "characters": {"messages": [{"role": "user", "content": "héé 你好 🙂"}], "temperature": 1.5, "seed": 5},
}
TEXTS = {
    **COMMON,
    "logprobs": {"logprobs": 2},
    "stop with logprobs": {"logprobs": 1, "stop": ["e"], "max_tokens": 60},
    "several prompts": {"prompt": ["One", "Two more"], "n": 2, "seed": 1, "temperature": 1.0, "logprobs": 1},
    "prompt of tokens": {"prompt": [5, 6, 7]},
    "characters": {"prompt": "héé 你好 🙂", "temperature": 1.5, "seed": 5, "logprobs": 1, "max_tokens": 100},
}
KINDS: list[Any] = [
    *(pytest.param("chat", {**RIVERS, **fields}, id=f"chat-{name}") for name, fields in CHATS.items()),
    *(pytest.param("completions", {"prompt": "Once", **f}, id=f"completions-{name}") for name, f in TEXTS.items()),
]
PATHS: dict[Endpoint, str] = {"chat": CHAT, "completions": "/v1/completions"}


@pytest.fixture(scope="module")
def caching(vllm_server: Server) -> Server:
    vllm_server.swap(batch=PASSTHROUGH, cache=LRU, dedup=NO_DEDUP)
    return vllm_server


def said(stream: bytes) -> Any:
    """What a stream says, nulls and id and time left out."""

    async def events() -> Any:
        for part in stream.split(b"\n\n")[:-1]:
            yield Event(part + b"\n\n")

    async def fold() -> Any:
        [whole] = [event async for event in forms.Folded(events(), forms.Shape({}, {}, {"role": None}, {}))]
        return orjson.loads(whole.data)

    return without_nulls({**asyncio.run(fold()), "id": None, "created": None})


def without_nulls(value: Any) -> Any:
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: without_nulls(item) for name, item in value.items() if item is not None}


@pytest.mark.parametrize(("endpoint", "fields"), KINDS)
def test_C12_C13_C14_each_form_from_the_cache_is_what_vllm_says_in_that_form(
    caching: Server, endpoint: Endpoint, fields: dict[str, Any]
) -> None:
    """A stored stream answers a whole request with all that vLLM's own whole answer has, nulls and order included; a
    stored whole answer a streamed one with all that vLLM's own stream says. Id and time aside."""
    asked = {"model": "tiny", "temperature": 0, "max_tokens": 16, **fields}
    streamed = {**asked, "stream": True, "stream_options": {"include_usage": True}}
    order = [(streamed, {}), (asked, {}), (asked, {"Cache-Control": "no-cache"}), (streamed, {})]
    with httpx.Client(base_url=caching.base_url, timeout=60) as client:
        answers = [client.post(PATHS[endpoint], json=body, headers=headers) for body, headers in order]
    assert [answer.status_code for answer in answers] == [200] * 4, answers[0].text
    assert [answer.headers["x-vgate-cache"] for answer in answers] == ["miss", "hit", "bypass(no-cache)", "hit"]
    folded, own = [orjson.dumps({**answer.json(), "id": "", "created": 0}) for answer in answers[1:3]]
    assert folded == own
    assert said(answers[3].content) == said(answers[0].content)
    assert answers[3].content.endswith(sse.DONE)


def test_C13_every_field_under_which_the_forms_share_was_compared() -> None:
    compared = {name for kind in KINDS for name in kind.values[1]} | {"model", "temperature", "max_tokens"}
    assert forms._SAME_IN_BOTH - {"stream", "stream_options"} == compared


def test_C13_D1_whole_clients_follow_a_stream_of_vllm(vllm_server: Server) -> None:
    vllm_server.swap(batch=PASSTHROUGH, cache=NO_CACHE, dedup=SINGLE)
    before = generated(vllm_server)
    asked = body("Many at once", max_tokens=600)

    async def gather() -> list[httpx.Response]:
        async with client_of(vllm_server) as client:
            stream = asyncio.create_task(client.post(CHAT, json={**asked, "stream": True}))
            while await running_count(client) == 0:
                assert not stream.done()
            return await asyncio.gather(stream, *(client.post(CHAT, json=asked) for _ in range(5)))

    stream, *wholes = asyncio.run(gather())
    assert generated(vllm_server) - before == 1
    chunks = [orjson.loads(part[6:]) for part in stream.content.split(b"\n\n")[:-2]]
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert {answer.json()["choices"][0]["message"]["content"] for answer in wholes} == {text}
    assert len({answer.json()["id"] for answer in wholes}) == 5
    assert {answer.json()["usage"]["completion_tokens"] for answer in wholes} == {600}
