"""Going on by tokens: the other vLLM gets what the first one has made, and says the rest."""

from typing import Any

import pytest

from tests.calls import call_of, chat
from tests.upstream.test_unbroken import heard, said
from tests.upstream.wires import BROKEN, Request, Script, Server, Workers, chunk, streamed, usage
from vgate import sse
from vgate.types import Call
from vgate.upstream.tokens import Tokens

PROMPT = [7, 8, 9]
# A chunk is a token with its text, or several tokens, or one whose text is held back until the next.
CHUNKS: list[tuple[list[int], str]] = [
    ([11], "Once"),
    ([12], " upon"),
    ([13, 14], " a time"),
    ([15], " in"),
    ([16], ""),
    ([17], " 東"),
    ([18], " the"),
    ([19], " end"),
]
TEXT = "".join(text for _, text in CHUNKS)
COUNT = sum(len(ids) for ids, _ in CHUNKS)


def told(chunks: list[tuple[list[int], str]], prompt: list[int], ids: bool) -> list[bytes]:
    """As vLLM writes a chat, with tokens or without."""

    def event(delta: dict[str, Any], tokens: list[int] | None, reason: str | None = None, **top: Any) -> bytes:
        body = sse.decode(chunk(delta, reason))
        body["choices"][0]["token_ids"] = tokens if ids else None
        return sse.encode(body | top)

    role = event({"role": "assistant", "content": ""}, None, prompt_token_ids=prompt if ids else None)
    spoken = [event({"content": text}, tokens) for tokens, text in chunks[:-1]]
    last = event({"content": chunks[-1][1]}, chunks[-1][0], "length")
    made = sum(len(tokens) for tokens, _ in chunks)
    return [role, *spoken, last, usage(len(prompt), made), sse.DONE]


def as_text(chunks: list[tuple[list[int], str]], prompt: list[int]) -> list[bytes]:
    """As vLLM writes a completion with tokens."""
    events = []
    for place, (tokens, text) in enumerate(chunks):
        reason = "length" if place == len(chunks) - 1 else None
        choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": reason, "stop_reason": None}
        choice |= {"token_ids": tokens, "prompt_token_ids": prompt if not place else None}
        head = {"id": "cmpl-other", "object": "text_completion", "created": 99, "model": "m"}
        events.append(sse.encode({**head, "choices": [choice]}))
    end = usage(len(prompt), sum(len(tokens) for tokens, _ in chunks)).replace(b"chatcmpl-theirs", b"cmpl-other")
    return [*events, end, sse.DONE]


def vllm(cut: int | None = None) -> Server:
    """Says CHUNKS to any prompt, or what is left of them behind tokens that are there already."""

    def script(request: Request) -> Script:
        body = request.json
        if "messages" in body:
            whole = told(CHUNKS, PROMPT, ids=body.get("return_token_ids") is True)
            return streamed(whole if cut is None else whole[:cut], end=b"" if cut is None else BROKEN)
        prompt = body["prompt"]
        known = prompt[len(PROMPT) :]
        left = [(ids, text) for ids, text in CHUNKS if not set(ids) & set(known)]
        assert [t for ids, _ in CHUNKS for t in ids if t not in known] == [t for ids, _ in left for t in ids]
        return streamed(as_text(left, prompt))

    return Server(script)


def asked(**fields: Any) -> Call:
    return chat("hi", stream=True, model="m", **({"max_tokens": COUNT} | fields))


PLAIN = [event.replace(b"theirs", b"mine") for event in told(CHUNKS, PROMPT, ids=False)]


async def test_S13_tokens_that_the_client_did_not_ask_for_are_not_in_its_bytes() -> None:
    workers = Workers(vllm())
    assert await heard(workers, asked()) == PLAIN
    assert next(iter(workers.servers.values())).requests[0].json["return_token_ids"] is True


async def test_only_streams_that_may_go_on_are_asked_for_tokens() -> None:
    for call in (asked(temperature=1), asked(n=2), asked(logprobs=True)):
        workers = Workers(vllm())
        await heard(workers, call)
        assert "return_token_ids" not in next(iter(workers.servers.values())).requests[0].json


@pytest.mark.parametrize("at", range(2, len(CHUNKS) + 1))
async def test_the_rest_is_asked_for_from_the_last_token_whose_text_was_said(at: int) -> None:
    """A token whose text was held back is made again, and so are several that came at once."""
    first, other = vllm(cut=at), vllm()
    stream = await heard(Workers(first, other), asked(priority=1, ignore_eos=True))
    assert said(stream) == TEXT
    chunks = [sse.decode(event) for event in stream[:-1]]
    assert {(c["id"], c["created"], c["object"]) for c in chunks} == {("chatcmpl-mine", 7, "chat.completion.chunk")}
    assert [c["choices"][0]["finish_reason"] for c in chunks[:-1]].count("length") == 1
    assert chunks[-1]["usage"] == {"prompt_tokens": 3, "completion_tokens": COUNT, "total_tokens": 3 + COUNT}
    assert {frozenset(c["choices"][0]) for c in chunks[1:-2]} == {frozenset(chunks[1]["choices"][0])}
    request = other.requests[0]
    known = request.json["prompt"][len(PROMPT) :]
    assert request.line == "POST /v1/completions HTTP/1.1"
    assert known == [11, 12, 13, 14, 15, 16, 17, 18][: {2: 1, 3: 2, 4: 2, 5: 5, 6: 5, 7: 7, 8: 8}[at]]
    carried = {"model": "m", "temperature": 0, "priority": 1, "ignore_eos": True, "stream": True}
    rest = {"prompt": [*PROMPT, *known], "max_tokens": COUNT - len(known)}
    assert request.json == carried | rest | {"return_token_ids": True, "stream_options": {"include_usage": True}}


def in_turn(*servers: Server) -> Workers:
    """Each is asked once."""
    workers, tried = Workers(*servers), []  # type: tuple[Workers, list[Any]]
    lease = workers.lease

    def next_one(model: str | None, hint: Any, exclude: Any = ()) -> Any:
        given = lease(model, hint, [*tried, *exclude])
        tried.append(given.worker)
        return given

    workers.lease = next_one  # type: ignore[method-assign]
    return workers


async def test_one_that_has_said_all_again_may_break_too() -> None:
    third = vllm()
    assert said(await heard(in_turn(vllm(cut=1), vllm(cut=6), third), asked())) == TEXT
    assert third.requests[0].json["prompt"] == [*PROMPT, 11, 12, 13, 14, 15]


async def test_it_may_break_twice() -> None:
    broken = [(ids, text) for ids, text in CHUNKS if ids[0] > 12]

    def second(request: Request) -> Script:
        return streamed(as_text(broken, request.json["prompt"])[:3], end=BROKEN)

    workers = in_turn(vllm(cut=3), Server(second), vllm())
    stream = await heard(workers, asked())
    assert said(stream) == TEXT
    assert sse.decode(stream[-2])["usage"]["completion_tokens"] == COUNT
    third = list(workers.servers.values())[2].requests[0].json
    assert third["prompt"] == [*PROMPT, 11, 12, 13, 14, 15]


@pytest.mark.parametrize(
    "fields", [{"stop": ["x"]}, {"frequency_penalty": 0.5}, {"max_tokens": None}, {"min_tokens": 3}]
)
async def test_where_tokens_are_not_enough_all_is_asked_again(fields: dict[str, Any]) -> None:
    first, other = vllm(cut=5), vllm()
    assert said(await heard(Workers(first, other), asked(**fields))) == TEXT
    assert other.requests[0].line == "POST /v1/chat/completions HTTP/1.1"


async def test_a_vllm_that_tells_no_tokens_is_asked_again() -> None:
    def old(cut: int) -> Server:
        return Server(lambda _request: streamed(told(CHUNKS, PROMPT, ids=False)[:cut], end=BROKEN if cut < 99 else b""))

    first, other = old(5), old(99)
    assert said(await heard(Workers(first, other), asked())) == TEXT
    assert "messages" in other.requests[0].json


async def test_completions_too() -> None:
    whole = as_text(CHUNKS, PROMPT)
    other = vllm()
    workers = Workers(Server(lambda _request: streamed(whole[:2], end=BROKEN)), other)
    call = call_of({"model": "m", "prompt": "hi", "temperature": 0, "stream": True, "max_tokens": COUNT}, "completions")
    stream = await heard(workers, call)
    assert said(stream) == TEXT
    assert b'token_ids":[' not in b"".join(stream)
    assert other.requests[0].json["prompt"] == [*PROMPT, 11, 12]


def test_a_prompt_that_is_very_long_is_not_kept() -> None:
    tokens = Tokens()
    tokens.take(told(CHUNKS, list(range(20000)), ids=True)[0])
    assert not tokens.prompt
    assert not tokens.usable
