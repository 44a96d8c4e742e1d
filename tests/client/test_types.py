from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from vgate.client.errors import ResponseError
from vgate.client.meta import Meta
from vgate.client.types import ChatCompletion, ChatCompletionChunk, EmbeddingList, ModelList

META = Meta.read({})


def test_tool_calls_are_read() -> None:
    function = {"name": "weather", "arguments": '{"city": "Oslo"}'}
    call = {"id": "call_1", "type": "function", "function": function}
    message = {"role": "assistant", "content": None, "tool_calls": [call, call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    answer = ChatCompletion.read({"choices": [choice]}, META)
    read, second = answer.choices[0].message.tool_calls
    assert (read.index, second.index) == (0, 1)
    assert (read.id, read.name, read.arguments) == ("call_1", "weather", '{"city": "Oslo"}')
    assert answer.text == ""


def test_the_pieces_of_a_streamed_tool_call_are_read() -> None:
    delta = {"tool_calls": [{"index": 1, "function": {"arguments": '{"ci'}}]}
    chunk = ChatCompletionChunk.read({"choices": [{"index": 0, "delta": delta}]}, META)
    (piece,) = chunk.choices[0].delta.tool_calls
    assert (piece.index, piece.id, piece.name, piece.arguments) == (1, None, None, '{"ci')


def test_what_other_servers_send_is_understood() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "Hi"}]
    call = {"function": {"name": "weather", "arguments": {"city": "Oslo"}}}
    message = {"role": "assistant", "content": parts, "tool_calls": [call]}
    (choice,) = ChatCompletion.read({"choices": [{"message": message}]}, META).choices
    assert ModelList.read({"data": None}, META).ids == ()
    assert (choice.text, choice.message.tool_calls[0].arguments) == ("Hi", '{"city": "Oslo"}')


@pytest.mark.parametrize("choices", [{}, {"choices": None}, {"choices": []}, {"choices": [{"index": 0}]}])
def test_a_chunk_may_only_tell_what_it_costs(choices: dict[str, Any]) -> None:
    chunk = ChatCompletionChunk.read({**choices, "usage": {"prompt_tokens": 3, "completion_tokens": 1}}, META)
    assert chunk.usage is not None
    assert (chunk.text, chunk.usage.total_tokens) == ("", 4)


def test_unknown_fields_stay_reachable_at_every_level() -> None:
    message = {"role": "assistant", "content": "a", "reasoning": "because"}
    raw = {"choices": [{"message": message, "logprobs": [1]}], "usage": {"cost": 2}, "new": 3}
    answer = ChatCompletion.read(raw, META)
    choice = answer.choices[0]
    assert answer.usage is not None
    assert (
        answer.raw["new"],
        choice.raw["logprobs"],
        choice.message.raw["reasoning"],
        answer.usage.raw["cost"],
    ) == (3, [1], "because", 2)


def test_answers_cannot_be_changed() -> None:
    answer = ChatCompletion.read({"choices": []}, META)
    with pytest.raises(dataclasses.FrozenInstanceError):
        answer.model = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({}, "no 'choices'"),
        ({"choices": {}}, "'choices' in the answer must be list"),
        ({"choices": [1]}, "'choices' in the answer must be a list of objects"),
        ({"choices": [{}]}, "no 'message'"),
        ({"choices": [{"message": {"content": 5}}]}, "'content' in the answer must be str, not '5'"),
        ({"choices": [], "usage": 1}, "'usage' in the answer must be dict"),
    ],
)
def test_a_wrong_answer_is_described(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(ResponseError, match=message):
        ChatCompletion.read(raw, META)


def test_a_list_of_models_must_be_one() -> None:
    with pytest.raises(ResponseError, match="the answer has no 'data'"):
        ModelList.read({"models": []}, META)


def test_a_vector_must_be_numbers_or_text() -> None:
    with pytest.raises(ResponseError, match="'embedding' must be a list or a base64 string, not None"):
        EmbeddingList.read({"data": [{}]}, META)
