import asyncio
from typing import Any

import pytest

from tests.components import build
from vgate.embedding.answer import floats
from vgate.embedding.base import Embedding, Vector

# A word is a token: 1 ms each, and 10 ms for a step.
TIMING = {"tokens_per_s": 1000.0, "step_ms": 10.0}


async def started(**changes: Any) -> Embedding:
    embedding: Embedding = build("embedding", "dry_run", **(TIMING | changes))
    await embedding.start()
    return embedding


async def run(embedding: Embedding, text: str, **fields: Any) -> Vector:
    return await embedding.run(await embedding.prepare(embedding.read({"input": text, **fields}), 0))


async def test_an_item_takes_a_step_and_its_tokens() -> None:
    await run(await started(), "word " * 90)
    assert asyncio.get_running_loop().time() == pytest.approx(0.010 + 0.090)


@pytest.mark.parametrize(("padded", "took"), [(False, 0.010 + 0.020 + 0.080), (True, 0.010 + 2 * 0.080)])
async def test_items_side_by_side_are_one_batch_padded_or_not(padded: bool, took: float) -> None:
    embedding = await started(padded=padded)
    await asyncio.gather(run(embedding, "word " * 20), run(embedding, "word " * 80))
    assert asyncio.get_running_loop().time() == pytest.approx(took)


async def test_shorter_vectors_are_beginnings_of_the_whole_one() -> None:
    embedding = await started()
    whole, short = [floats((await run(embedding, "a", **f)).data) for f in ({}, {"dimensions": 8})]
    assert (len(whole), len(short)) == (64, 8)
    assert [x / short[0] for x in short] == pytest.approx([x / whole[0] for x in whole[:8]], rel=1e-4)


async def test_asking_for_all_dimensions_is_asking_for_none() -> None:
    embedding = await started()
    assert embedding.read({"input": "a", "dimensions": 64}).fields == embedding.read({"input": "a"}).fields
