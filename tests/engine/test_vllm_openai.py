"""The official `openai` client, unchanged, against the gateway on real vLLM."""

import json
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.servers import Server

pytestmark = pytest.mark.vllm

HELLO: Any = [{"role": "user", "content": "Tell me about rivers"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Rome", "Oslo"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
NAMED: Any = {"type": "function", "function": {"name": "weather"}}


@pytest.fixture(scope="module")
def client(vllm_server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{vllm_server.base_url}/v1", api_key="any", max_retries=0) as client:
        yield client


def test_chat(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="tiny", messages=HELLO, max_tokens=8)
    assert answer.choices[0].message.content
    assert answer.usage
    assert answer.usage.completion_tokens <= 8
    assert answer.choices[0].finish_reason in ("length", "stop")


def test_streamed_chat_concatenates_to_the_whole_one(client: openai.OpenAI) -> None:
    fields: Any = {"model": "tiny", "messages": HELLO, "max_tokens": 20, "temperature": 0}
    whole = client.chat.completions.create(**fields)
    chunks = list(client.chat.completions.create(**fields, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage


@pytest.mark.parametrize("whole", [True, False], ids=["usage", "no usage"])
def test_S8_usage_in_every_chunk_needs_usage_to_be_asked_for(client: openai.OpenAI, whole: bool) -> None:
    """As in vLLM's own server."""
    asked: Any = {"include_usage": whole, "continuous_usage_stats": True}
    fields: Any = {"model": "tiny", "messages": HELLO, "max_tokens": 4, "temperature": 0}
    chunks = list(client.chat.completions.create(**fields, stream=True, stream_options=asked))
    assert [chunk.usage is not None for chunk in chunks] == [whole] * len(chunks)


def test_n_seed_and_logprobs(client: openai.OpenAI) -> None:
    fields: Any = {"model": "tiny", "messages": HELLO, "max_tokens": 6, "seed": 7, "n": 3, "logprobs": True}
    first, second = [client.chat.completions.create(**fields, top_logprobs=2) for _ in range(2)]
    texts = [choice.message.content for choice in first.choices]
    assert texts == [choice.message.content for choice in second.choices]
    assert len(set(texts)) == 3
    assert first.choices[0].logprobs
    assert first.choices[0].logprobs.content
    assert len(first.choices[0].logprobs.content[0].top_logprobs) == 2


def test_stop(client: openai.OpenAI) -> None:
    fields: Any = {"model": "tiny", "messages": HELLO, "max_tokens": 60, "temperature": 0}
    free = client.chat.completions.create(**fields).choices[0].message.content
    assert free
    mark = free[len(free) // 2]
    stopped = client.chat.completions.create(**fields, stop=[mark]).choices[0]
    assert stopped.message.content == free[: free.index(mark)]
    assert stopped.finish_reason == "stop"


def test_response_format(client: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"wet": {"type": "boolean"}}, "required": ["wet"]}
    named = {"name": "river", "schema": {**schema, "additionalProperties": False}}
    form: Any = {"type": "json_schema", "json_schema": named}
    answers = client.chat.completions.create(
        model="tiny", messages=HELLO, max_tokens=400, n=8, seed=1, temperature=1.5, response_format=form
    )
    # A random model may fill its tokens with the white space that JSON allows; those that end must fit the schema.
    ended = [choice for choice in answers.choices if choice.finish_reason == "stop"]
    assert ended
    for choice in ended:
        assert set(json.loads(choice.message.content or "")) == {"wet"}


def test_a_grammar_that_the_one_backend_refuses_is_a_bad_request_also_after_others(client: openai.OpenAI) -> None:
    """vLLM's `auto` takes it for another backend than the one that its first such request has loaded: 500."""
    ask: Any = {"model": "tiny", "prompt": "Rivers", "max_tokens": 3}
    for spec in ({"json": {"type": "object"}}, {"regex": "a+"}):
        assert client.completions.create(**ask, extra_body={"structured_outputs": spec}).choices
    for spec in ({"grammar": "root ::="}, {"json": {"type": "integer", "multipleOf": 3}}):
        with pytest.raises(openai.BadRequestError):
            client.completions.create(**ask, extra_body={"structured_outputs": spec})


@pytest.mark.parametrize("stream", [False, True])
def test_tools(client: openai.OpenAI, stream: bool) -> None:
    """A named tool: vLLM constrains the text to a call, the gateway passes the call through."""
    fields: Any = {"model": "tiny", "messages": HELLO, "max_tokens": 300, "tools": [WEATHER], "tool_choice": NAMED}
    if stream:
        chunks = client.chat.completions.create(**fields, seed=3, stream=True)
        calls = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or []]
        name = "".join(call.function.name or "" for call in calls if call.function)
    else:
        found: Any = client.chat.completions.create(**fields, seed=3).choices[0].message.tool_calls
        assert found
        name = found[0].function.name
    assert name == "weather"


def test_completions(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="tiny", prompt=["One", "Two"], max_tokens=3, echo=True)
    assert [choice.text[:3] for choice in answer.choices] == ["One", "Two"]
    chunks = list(client.completions.create(model="tiny", prompt="One", max_tokens=3, stream=True))
    assert chunks[-1].choices[0].finish_reason == "length"


def test_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["tiny"]


BAD: dict[str, tuple[dict[str, Any], int]] = {
    "unknown model": ({"model": "gpt-9"}, 404),
    "no messages": ({"messages": []}, 400),
    "messages of another type": ({"messages": "hello"}, 400),
    "unknown role": ({"messages": [{"role": "king", "content": "x"}]}, 400),
    "prompt too long": ({"messages": [{"role": "user", "content": "word " * 5000}]}, 400),
    "n = 0": ({"n": 0}, 400),
    "negative max_tokens": ({"max_tokens": -1}, 400),
    "negative max_tokens, streamed": ({"max_tokens": -1, "stream": True}, 400),
    "temperature as text": ({"temperature": "0.5"}, 400),
    "temperature too high": ({"temperature": 9.0}, 400),
    "unknown field": ({"extra_body": {"max_tokns": 1}}, 400),
    "a field of another route": ({"extra_body": {"return_token_offsets": True}}, 400),
    "priority without priorities": ({"extra_body": {"priority": 3}}, 400),
    "schema that is none": (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nonsense"}}}},
        400,
    ),
    "what vLLM has only for whole answers": ({"stream": True, "extra_body": {"prompt_logprobs": 2}}, 400),
    "metadata, which nobody would keep": ({"metadata": {"a": "b"}}, 400),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_request(client: openai.OpenAI, name: str) -> None:
    fields, status = BAD[name]
    begin = time.perf_counter()
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(**{"model": "tiny", "messages": HELLO, "max_tokens": 5, **fields})
    took = time.perf_counter() - begin
    assert caught.value.status_code == status
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["message"]
    assert took < 0.5, "the bound is ten times what is seen on a quiet machine"


def test_generating_model_has_no_embeddings(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="does not serve embeddings"):
        client.embeddings.create(model="tiny", input="x")


def test_server_goes_on_after_bad_requests(client: openai.OpenAI) -> None:
    assert client.chat.completions.create(model="tiny", messages=HELLO, max_tokens=1).choices
