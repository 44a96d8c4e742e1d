"""What of a server's items is in the engine at once: bounded by tokens and items, without a timer."""

import asyncio

import pytest

from tests.gateways import Heard
from tests.vectors import SLOW, Counting, ask, embed, embeddings, texts
from vgate.embedding.base import Limits
from vgate.embedding.queue import ItemQueue
from vgate.errors import ApiError


@pytest.mark.parametrize("padded", [False, True])
async def test_B8_what_is_in_the_engine_is_bounded_by_tokens_padding_counted(padded: bool) -> None:
    engine = Counting(**SLOW, padded=padded, max_batch_tokens=100)
    path = await embeddings(engine)
    sizes = [1, 40, 3, 90, 20, 5, 60, 7, 30, 99, 2, 50] * 5
    await asyncio.gather(*(ask(path, embed(f"{n} " + "w " * (size - 1))) for n, size in enumerate(sizes)))
    assert len(engine.ran) == len(sizes)
    assert 80 <= max(both[padded] for both in engine.most) <= 100
    assert max(both[True] for both in engine.most) <= 100 or not padded


async def test_B8_one_larger_than_the_bound_goes_alone() -> None:
    engine = Counting(**SLOW, max_batch_tokens=10)
    path = await embeddings(engine)
    await asyncio.gather(*(ask(path, embed("w " * size)) for size in (5, 50, 4)))
    assert engine.most == [(5, 5), (50, 50), (4, 4)]


async def test_what_is_queued_goes_as_soon_as_there_is_room() -> None:
    """No timer: alone an item waits for nothing, and the next ones go together when the engine is free."""
    engine = Counting(**SLOW, max_batch_tokens=10)
    path = await embeddings(engine)
    loop = asyncio.get_running_loop()
    await ask(path, embed("w " * 10))
    assert loop.time() == pytest.approx(0.020)
    began = loop.time()
    await asyncio.gather(*(ask(path, embed(f"{n} w")) for n in range(10)))
    assert loop.time() - began == pytest.approx(2 * 0.020)


async def test_items_are_bounded_too() -> None:
    engine = Counting(**SLOW, max_batch_items=3)
    await ask(await embeddings(engine), embed(texts(*range(20))))
    assert max(padded for _, padded in engine.most) == 2 * 3


async def test_B11_beyond_the_queue_it_is_refused_at_once_and_whole() -> None:
    engine = Counting(**SLOW, max_batch_items=1, max_waiting_items=10)
    path = await embeddings(engine)
    first = asyncio.create_task(ask(path, embed(texts(*range(10)))))
    await asyncio.sleep(0.001)
    began = asyncio.get_running_loop().time()
    with pytest.raises(ApiError) as caught:
        await ask(path, embed(["x", "y"]))
    assert asyncio.get_running_loop().time() == began
    assert (caught.value.status, caught.value.headers["retry-after"]) == (503, "1")
    assert len((await ask(path, embed("x"))).vectors) == 1, "there is room for one"
    assert len((await first).vectors) == 10
    assert "y" not in engine.ran


async def test_a_request_whose_items_find_no_room_is_told_as_refused() -> None:
    heard = Heard()
    queue = ItemQueue(Limits(batch_tokens=1, batch_items=1, waiting_items=2), heard)
    queue.add([1, 1])
    with pytest.raises(ApiError):
        queue.add([1])
    assert heard.dropped == ["full"]
