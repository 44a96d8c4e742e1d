import pytest

from tests.components import build
from tests.vectors import ask, embed, embeddings
from vgate.errors import BadRequest


async def test_every_request_is_refused_with_the_setting_named() -> None:
    path = await embeddings(build("embedding", "none"), cache="lru")
    for body in ({}, {"input": "a"}, {"input": [], "model": "x"}):
        with pytest.raises(BadRequest, match="embedding=none") as caught:
            await ask(path, embed(body.get("input"), **{k: v for k, v in body.items() if k != "input"}))
        assert caught.value.code == "unsupported_endpoint"


def test_it_lists_no_models() -> None:
    assert build("embedding", "none").models() == []
