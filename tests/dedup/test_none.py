import pytest

from tests.calls import ask_all, call_of, chat
from tests.components import build
from tests.scripted import Scripted
from vgate.gateway import Gateway
from vgate.observe.base import Observers
from vgate.types import Call


@pytest.mark.parametrize("call", [chat(), chat(seed=1), call_of({"input": "a"}, "embeddings")])
def test_every_request_is_refused(call: Call) -> None:
    assert build("dedup", "none").refuses(call, {"temperature": 0.0})


def test_it_has_no_keys_to_be_mistaken_for_any() -> None:
    with pytest.raises(NotImplementedError):
        build("dedup", "none").key(chat(), "model")


async def test_identical_requests_are_generated_each_on_their_own() -> None:
    engine = Scripted()
    entry = Gateway(engine, build("batch", "time_window"), build("cache", "none"), build("dedup", "none"), Observers())
    await ask_all(entry, [chat("same") for _ in range(5)])
    assert len(engine.entered) == 5
