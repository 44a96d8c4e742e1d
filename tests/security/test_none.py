"""Everybody may ask anything."""

from tests.calls import chat
from tests.components import build


async def test_everybody_is_let_in_and_nothing_is_limited() -> None:
    security = build("security", "none")
    for header in (None, "Bearer sk-anything", "nonsense"):
        caller = await security.identify("/v1/chat/completions", header)
        assert (caller.name, caller.models, caller.limits, caller.priority) == ("anonymous", None, None, None)
        assert security.weigh(caller, chat(), 4096) == 0
        lease = await security.enter(caller, 0)
        assert lease.headers == await security.headers(caller) == {}
        await lease.settle(10)
