"""Bodies that are nested deeper than anything that reads them later can bear."""

from typing import Any

import orjson
import pytest

from vgate.api.asgi import Message, read_json
from vgate.cache.key import Sharing
from vgate.errors import BadRequest
from vgate.types import Call

LIMIT = 1 << 20


async def read(raw: bytes) -> dict[str, Any]:
    async def receive() -> Message:
        return {"type": "http.request", "body": raw}

    return await read_json({"headers": []}, receive, LIMIT)


def nested(levels: int, *, lists: bool = False) -> bytes:
    """A body of so many levels."""
    opening, closing = (b"[", b"]") if lists else (b'{"a":', b"}")
    return b'{"messages":' + opening * (levels - 1) + b"1" + closing * (levels - 1) + b"}"


@pytest.mark.parametrize("lists", [True, False])
@pytest.mark.parametrize("levels", [1, 2, 127, 128])
async def test_O7_as_deep_as_allowed_and_everything_downstream_can_bear_it(levels: int, lists: bool) -> None:
    body = await read(nested(levels, lists=lists))
    assert body == orjson.loads(nested(levels, lists=lists))
    assert Sharing("key", sampled=False).key(Call("1", "chat", body), "model")


@pytest.mark.parametrize("lists", [True, False])
@pytest.mark.parametrize("levels", [129, 255, 300, 1000, 5000, 100_000])
async def test_O7_deeper_is_a_bad_request_and_not_a_crash(levels: int, lists: bool) -> None:
    with pytest.raises(BadRequest) as caught:
        await read(nested(levels, lists=lists))
    assert caught.value.code == "invalid_json"


async def test_O7_wide_is_not_deep() -> None:
    wide = {"messages": [{"content": [{"text": "["}] * 3}] * 1000}
    assert await read(orjson.dumps(wide)) == wide


async def test_O7_brackets_in_text_are_text() -> None:
    body = {"messages": "[{" * 10_000}
    assert await read(orjson.dumps(body)) == body
