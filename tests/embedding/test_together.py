"""Items that come together are one request."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from vgate.embedding.base import Input, Vector
from vgate.embedding.together import Together
from vgate.errors import ApiError, BadRequest


class Asked:
    """Answers after a second; "bad" is refused, "down" fails."""

    def __init__(self) -> None:
        self.requests: list[list[Input]] = []
        self.given_up = 0

    async def __call__(self, fields: dict[str, Any], inputs: Sequence[Input]) -> list[Vector]:
        self.requests.append(list(inputs))
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        if "bad" in inputs:
            raise BadRequest("bad")
        if inputs == ["odd"]:
            raise RuntimeError("a mistake")
        if "down" in inputs:
            raise ApiError(502, "down")
        return [Vector(str(item).encode(), 1) for item in inputs]


async def test_what_comes_in_one_turn_goes_out_together_by_its_fields_and_its_kind() -> None:
    asked = Asked()
    together = Together(asked)
    wanted: list[tuple[dict[str, Any], Input]] = [
        *[({"model": "a"}, "x"), ({"model": "b"}, "x"), ({"model": "a"}, "y"), ({"model": "a"}, [1, 2])],
    ]
    found = await asyncio.gather(*(together.vector(fields, item) for fields, item in wanted))
    assert [vector.data for vector in found] == [b"x", b"x", b"y", b"[1, 2]"]
    assert asked.requests == [["x", "y"], ["x"], [[1, 2]]]
    await together.vector({"model": "a"}, "z")
    assert len(asked.requests) == 4


async def test_B4_one_bad_item_fails_alone() -> None:
    asked = Asked()
    together = Together(asked)
    items = [f"{n}" for n in range(15)] + ["bad"]
    found = await asyncio.gather(*(together.vector({}, item) for item in items), return_exceptions=True)
    assert [vector.data for vector in found[:15]] == [item.encode() for item in items[:15]]  # type: ignore[union-attr]
    assert isinstance(found[15], BadRequest)
    assert len(asked.requests) == 9


async def test_what_is_wrong_with_the_worker_fails_all_at_once() -> None:
    asked = Asked()
    found = await asyncio.gather(*(Together(asked).vector({}, "down") for _ in range(2)), return_exceptions=True)
    together = Together(asked)
    found += await asyncio.gather(*(together.vector({}, item) for item in ("x", "down")), return_exceptions=True)
    assert all(isinstance(error, ApiError) for error in found)
    assert len(asked.requests) == 3


async def test_a_mistake_in_one_half_leaves_nobody_of_the_other_waiting() -> None:
    together = Together(Asked())
    found = await asyncio.gather(*(together.vector({}, item) for item in ("odd", "bad")), return_exceptions=True)
    assert [type(error) for error in found] == [RuntimeError, BadRequest]


@pytest.mark.parametrize("turns", range(4))
async def test_S2_a_request_for_which_nobody_waits_is_given_up(turns: int) -> None:
    asked = Asked()
    together = Together(asked)
    tasks = [asyncio.create_task(together.vector({}, item)) for item in ("x", "y")]
    for _ in range(turns):
        await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.sleep(0.1)
    assert asked.given_up == 0
    tasks[1].cancel()
    await asyncio.sleep(0.1)
    assert asked.given_up == len(asked.requests) == 1
    assert (await together.vector({}, "x")).data == b"x"


async def test_nobody_at_all_is_asked_for_what_was_given_up_at_once() -> None:
    asked = Asked()
    task = asyncio.create_task(Together(asked).vector({}, "x"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0.1)
    assert asked.requests == []
