"""C22: what one API key has asked can be told by no other, neither by a header nor by time."""

import dataclasses

import pytest

from tests.calls import Asked, ask, chat
from tests.components import options, virtual_options
from tests.gateways import gateway
from vgate.types import CacheControl


def told(asked: Asked) -> tuple[str, float, float, bool]:
    """All that a client can see of it: verdict, TTFT, duration, and whether there is an age."""
    first, last = asked.record.first_token, asked.record.last_token
    assert first is not None
    assert last is not None
    return asked.record.cache, first - asked.record.arrived, last - asked.record.arrived, asked.record.age_s is None


@pytest.mark.parametrize("option", [option for option in virtual_options("cache") if option != "none"])
@pytest.mark.parametrize("dedup", options("dedup"))
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_C22_a_request_takes_as_long_whatever_others_have_asked(option: str, dedup: str, stream: bool) -> None:
    entry = gateway(cache=option, dedup=dedup)
    cold = await ask(entry, chat("same", caller="a", stream=stream))
    own = await ask(entry, chat("same", caller="a", stream=stream))
    other = await ask(entry, chat("same", caller="b", stream=stream))
    assert told(other) == pytest.approx(told(cold))
    assert told(own)[:2] == ("hit", 0.0)


@pytest.mark.parametrize("dedup", options("dedup"))
async def test_C16_who_will_have_no_cached_answer_joins_nobody(dedup: str) -> None:
    entry = gateway(cache="lru", dedup=dedup, max_wait_time_ms=0)
    fresh = dataclasses.replace(chat("same", stream=True), cache_control=CacheControl(read=False))
    first = await ask(entry, chat("same", stream=True))
    again = await ask(entry, fresh)
    assert (first.record.cache, again.record.cache, again.record.generated) == ("miss", "bypass(no-cache)", True)
    assert again.record.age_s is None
