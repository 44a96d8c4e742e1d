import pytest

from tests.calls import call_of, chat
from tests.components import build
from vgate.types import Answer, Event


@pytest.mark.parametrize("call", [chat(), chat(seed=1), call_of({"input": "a"}, "embeddings")])
def test_every_request_goes_past_it(call: object) -> None:
    assert build("cache", "none").refuses(call, {"temperature": 0.0}) == "disabled"


async def test_nothing_is_kept() -> None:
    cache = build("cache", "none")
    await cache.put(b"k", Answer("1", (Event(b"a"),)))
    assert (await cache.get(b"k"), len(cache)) == (None, 0)


def test_it_has_no_keys_to_be_mistaken_for_any() -> None:
    with pytest.raises(NotImplementedError):
        build("cache", "none").key(chat(), "model")
