"""An answer's two forms, streamed and whole, each made from the other.

Clients of both then share a generation and a cache entry. Requests for which it has not been shown that both say the
same share within their own form only: see `formless`.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any, NamedTuple

import orjson

from vgate import sse
from vgate.dedup.base import Events
from vgate.types import Call, Event, Usage

# Fields under which both forms were compared on vLLM, chat and completions (tests/engine/test_vllm_flights.py).
# Left out, among others: tools (the finish reason of calls that were cut off differs, and so do made-up ids), reasoning
# (parsers read a stream and a text apart), echo in chat, prompt_logprobs and return_prompt_text (not streamed).
_SAME_IN_BOTH = frozenset(
    {
        *("model", "messages", "prompt", "stream", "stream_options", "user", "cache_salt", "priority"),
        *("max_tokens", "max_completion_tokens", "min_tokens", "ignore_eos", "n", "seed"),
        *("temperature", "top_p", "top_k", "min_p", "logit_bias"),
        *("frequency_penalty", "presence_penalty", "repetition_penalty"),
        *("stop", "stop_token_ids", "include_stop_str_in_output", "logprobs", "top_logprobs"),
        *("response_format", "structured_outputs", "return_token_ids"),
    }
)
_PAUSE_EVERY = 256
_ELSEWHERE = frozenset({"id", "object", "created", "model", "choices", "usage", "prompt_token_ids"})


class Shape(NamedTuple):
    """The objects of an engine's whole answers, with what they hold where nothing else is said, in their order."""

    answer: dict[str, Any]
    choice: dict[str, Any]
    message: dict[str, Any]
    usage: dict[str, Any]


def formless(call: Call) -> dict[str, Any] | None:
    """The body without what chooses between the forms; None where the answers in both may differ."""
    body, options = call.body, call.body.get("stream_options")
    if call.endpoint == "embeddings" or not body.keys() <= _SAME_IN_BOTH:
        return None
    if not call.stream and options is not None:
        return None  # which is an error
    if options is not None and not (isinstance(options, dict) and options.keys() <= {"include_usage"}):
        return None
    if options and not isinstance(options["include_usage"], bool):
        return None
    return {name: value for name, value in body.items() if name not in ("stream", "stream_options")}


def is_streamed(events: tuple[Event, ...]) -> bool:
    """Whether these are the events of a stream; a whole answer is one JSON object."""
    return not events[0].data.startswith(b"{")


class Folded:
    """A stream's events as the one event of the whole answer. Close it to close the stream."""

    def __init__(self, events: Events, shape: Shape) -> None:
        self._events = events
        self._shape = shape
        self._done = False

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        if self._done:
            raise StopAsyncIteration
        fold, usage, count = _Fold(), None, 0
        async for event in self._events:
            if event.data != sse.DONE:
                fold.add(sse.decode(event.data))
            usage, count = event.usage, count + 1
            if count % _PAUSE_EVERY == 0:
                await asyncio.sleep(0)  # of a stored answer all is there at once
        self._done = True
        return Event(orjson.dumps(fold.whole(self._shape)), content=True, usage=usage)

    async def aclose(self) -> None:
        """Close the stream."""
        await self._events.aclose()


class _Fold:
    """Puts chunks together."""

    def __init__(self) -> None:
        self._answer: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}

    def add(self, chunk: dict[str, Any]) -> None:
        for choice in chunk.pop("choices"):
            delta = choice.pop("delta", None)
            mine = self._choices.setdefault(choice["index"], {"message": {}})
            if delta is not None:
                _merge(mine["message"], delta)
            _merge(mine, choice)
        self._answer.update((name, value) for name, value in chunk.items() if value is not None)

    def whole(self, shape: Shape) -> dict[str, Any]:
        """The answer; its usage is that of the last chunk."""
        kind = self._answer["object"].removesuffix(".chunk")
        choices = [self._choices[index] for index in sorted(self._choices)]
        for choice in choices:
            said = choice.pop("message")
            if shape.choice.keys() & {"message"}:
                choice["message"] = shape.message | said
        return {
            **shape.answer,
            **self._answer,
            "object": kind,
            "choices": [shape.choice | choice for choice in choices],
            "usage": shape.usage | self._answer["usage"],
        }


def _merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    """Add what a chunk says to what was said: text and lists grow, objects grow inside, null says nothing."""
    for name, value in more.items():
        said = into.get(name)
        if value is None and name in into:
            continue
        if isinstance(said, dict) and isinstance(value, dict):
            _merge(said, value)
        elif name in ("text", "content", "reasoning", "refusal") and isinstance(said, str):
            into[name] = said + value
        elif isinstance(said, list) and isinstance(value, list):
            said.extend(value)
        else:
            into[name] = value


async def unfolded(event: Event) -> AsyncGenerator[Event, None]:
    """A whole answer's event as a stream: for each choice the role, what it says, its finish; usage; `[DONE]`."""
    answer = orjson.loads(event.data)
    for chunk, content in _chunks(answer):
        yield Event(sse.encode(chunk), content)
    yield Event(sse.encode(_usage(answer)), counts=True)
    yield Event(sse.DONE, usage=event.usage or Usage(0, 0))


def _head(answer: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "object", "created", "model")
    head: dict[str, Any] = {name: answer[name] for name in names if name in answer}
    return head | ({"object": "chat.completion.chunk"} if head["object"] == "chat.completion" else {})


def _usage(answer: dict[str, Any]) -> dict[str, Any]:
    """The usage chunk, with all that is said of the answer as a whole and not with its first chunk."""
    usage = {name: value for name, value in answer["usage"].items() if value is not None}
    others = {name: value for name, value in answer.items() if value is not None and name not in _ELSEWHERE}
    return {**_head(answer), "choices": [], "usage": usage, **others}


def _chunks(answer: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bool]]:
    head = _head(answer)
    top = {name: answer[name] for name in ("prompt_token_ids",) if answer.get(name) is not None}
    for choice in answer["choices"]:
        message = choice.get("message")
        if message is not None:
            role = {"delta": {"role": message["role"], "content": ""}, "logprobs": None, "finish_reason": None}
            yield {**head, "choices": [{"index": choice["index"], **role}], **top}, False
        yield {**head, "choices": [_said(choice)]}, True
        yield {**head, "choices": [_finish(choice)]}, False


def _said(choice: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in choice.items() if name not in ("message", "finish_reason", "stop_reason")}
    message = choice.get("message")
    if message is not None:
        kept["delta"] = {name: value for name, value in message.items() if name != "role" and value is not None}
    return {name: value for name, value in kept.items() if value is not None or name == "logprobs"} | {
        "finish_reason": None
    }


def _finish(choice: dict[str, Any]) -> dict[str, Any]:
    empty: dict[str, Any] = {"delta": {}} if "message" in choice else {"text": ""}
    stop = {"stop_reason": choice["stop_reason"]} if "stop_reason" in choice else {}
    return {"index": choice["index"], **empty, "logprobs": None, "finish_reason": choice["finish_reason"], **stop}
