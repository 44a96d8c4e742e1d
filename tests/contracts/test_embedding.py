"""What holds of every embedding engine that needs no model. Tests of the others are in `tests/embedding`."""

import asyncio
import json
import math
from typing import Any

import pytest

from tests.components import build, options
from vgate.embedding.answer import floats
from vgate.embedding.base import Embedding, Vector
from vgate.errors import ApiError

NEED_A_MODEL = {"vllm", "upstream"}  # or workers that have one
WITHOUT_MODEL = sorted(set(options("embedding")) - NEED_A_MODEL)
# All others answer.
REFUSING = {"none"}
MAKING = sorted(set(WITHOUT_MODEL) - REFUSING)


@pytest.fixture(params=WITHOUT_MODEL)
def any_embedding(request: pytest.FixtureRequest) -> Any:
    return build("embedding", request.param)


@pytest.fixture(params=MAKING)
def embedding(request: pytest.FixtureRequest) -> Any:
    return build("embedding", request.param, served_model_name="test", max_model_len=20, dimensions=16)


async def vectors(embedding: Embedding, body: dict[str, Any]) -> list[Vector]:
    asked = embedding.read(body)
    items = [await embedding.prepare(asked, index) for index in range(len(asked.inputs))]
    return await asyncio.gather(*(embedding.run(item) for item in items))


async def test_it_is_ready_from_start_to_stop(any_embedding: Embedding) -> None:
    assert not any_embedding.ready
    await any_embedding.start()
    assert any_embedding.ready
    await any_embedding.stop()
    assert not any_embedding.ready


async def test_it_may_be_stopped_at_any_time_also_twice(any_embedding: Embedding) -> None:
    await any_embedding.stop()
    await any_embedding.start()
    await any_embedding.stop()
    await any_embedding.stop()


async def test_it_says_what_it_serves(embedding: Embedding) -> None:
    await embedding.start()
    assert [(model["id"], model["object"]) for model in embedding.models()] == [("test", "model")]


@pytest.mark.parametrize("option", MAKING)
def test_C20_the_fingerprint_is_that_of_the_model(option: str) -> None:
    one, same, other = [build("embedding", option, served_model_name=name).fingerprint for name in ("a", "a", "b")]
    assert one == same != other


async def test_an_item_has_one_unit_vector_whatever_runs_beside_it(embedding: Embedding) -> None:
    await embedding.start()
    alone = [(await vectors(embedding, {"input": text}))[0] for text in ("a", "b c")]
    assert await vectors(embedding, {"input": ["a", "b c"]}) == alone
    assert alone[0].data != alone[1].data
    assert [vector.tokens for vector in alone] == [1, 2]
    for vector in alone:
        assert math.hypot(*floats(vector.data)) == pytest.approx(1.0, abs=1e-6)


async def test_items_are_text_or_token_ids(embedding: Embedding) -> None:
    await embedding.start()
    shapes = [len(await vectors(embedding, {"input": value})) for value in ("a", ["a", "b"], [1, 2], [[1, 2], [3]])]
    assert shapes == [1, 2, 1, 2]


async def test_model_is_the_served_one_named_or_not(embedding: Embedding) -> None:
    await embedding.start()
    assert embedding.read({"input": "a"}).fields == embedding.read({"input": "a", "model": "test"}).fields


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "no input": ({}, "input", "input: must be text"),
    "a number": ({"input": 3}, "input", "got 3"),
    "an object": ({"input": {"a": 1}}, "input", "got dict"),
    "no items": ({"input": []}, "input", "at least one item"),
    "an empty text": ({"input": ""}, "input", "input[0]: is empty"),
    "an empty item": ({"input": ["a", "b", ""]}, "input", "input[2]: is empty"),
    "no tokens": ({"input": [[1], []]}, "input", "input[1]: is empty"),
    "an item of another type": ({"input": ["a", 3]}, "input", "input[1]: must be text"),
    "text and token ids": ({"input": ["a", [3]]}, "input", "input[1]: must be text or a list of token ids, text like"),
    "token ids and text": ({"input": [3, "a"]}, "input", "input[0]: token ids are whole numbers from 0, got str"),
    "booleans": ({"input": [True]}, "input", "input[0]: must be text"),
    "a fraction": ({"input": [[1, 2.5]]}, "input", "input[0]: token ids are whole numbers from 0, got 2.5"),
    "a negative token": ({"input": [[1], [-1]]}, "input", "input[1]: token ids are whole numbers from 0, got -1"),
    "too many items": ({"input": ["a"] * 5000}, "input", "at most 4096 items"),
    "an item that is too long": ({"input": ["a", "word " * 21]}, "input", "input[1]: 21 tokens, but"),
    "too many token ids": ({"input": [[1], [1] * 21]}, "input", "input[1]: 21 tokens, but"),
    "unknown field": ({"input": "a", "dimension": 3}, "dimension", "dimensions"),
    "unknown model": ({"input": "a", "model": "no-such"}, "model", "no-such"),
    "too many dimensions": ({"input": "a", "dimensions": 17}, "dimensions", "at most 16"),
    "no dimensions": ({"input": "a", "dimensions": 0}, "dimensions", "greater than"),
    "no such encoding": ({"input": "a", "encoding_format": "hex"}, "encoding_format", "'hex'"),
    "streamed": ({"input": "a", "stream": True}, "stream", "stream"),
}


@pytest.mark.parametrize(("body", "param", "told"), BAD.values(), ids=BAD)
async def test_a_bad_request_is_refused_before_it_runs_with_the_item_named(
    embedding: Embedding, body: dict[str, Any], param: str, told: str
) -> None:
    await embedding.start()
    with pytest.raises(ApiError) as caught:
        await vectors(embedding, body)
    assert 400 <= caught.value.status < 500
    assert caught.value.param == param
    assert told in caught.value.message
    assert len(caught.value.message) < 300


async def test_reading_and_preparing_change_nothing_and_run_nothing(embedding: Embedding) -> None:
    await embedding.start()
    body = {"input": ["a b", "c"], "encoding_format": "base64"}
    before = json.dumps(body)
    asked = embedding.read(body)
    assert (asked.inputs, asked.encoding) == (["a b", "c"], "base64")
    assert [(await embedding.prepare(asked, index)).tokens for index in (0, 1)] == [2, 1]
    assert (json.dumps(body), asyncio.get_running_loop().time()) == (before, 0.0)


async def test_S2_cancelled_items_cost_the_next_one_nothing(embedding: Embedding) -> None:
    await embedding.start()
    loop = asyncio.get_running_loop()
    await vectors(embedding, {"input": "a"})
    alone = loop.time()
    tasks = [asyncio.create_task(vectors(embedding, {"input": f"{n} " * 20})) for n in range(500)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(1)
    began = loop.time()
    await vectors(embedding, {"input": "a"})
    assert loop.time() - began == pytest.approx(alone)
