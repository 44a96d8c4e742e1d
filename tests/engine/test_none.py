import pytest

from tests.calls import ask, call_of, chat
from tests.components import build
from tests.gateways import COMBINATIONS, gateway
from vgate.errors import BadRequest
from vgate.types import Call


@pytest.mark.parametrize("combination", COMBINATIONS, ids="-".join)
@pytest.mark.parametrize("call", [chat(), chat(stream=True), call_of({"prompt": "hi"}, "completions")])
async def test_every_call_is_refused_with_the_setting_named(combination: tuple[str, str, str], call: Call) -> None:
    engine = build("engine", "none")
    await engine.start()
    with pytest.raises(BadRequest, match="engine=none") as caught:
        await ask(gateway(engine, *combination), call)
    assert caught.value.code == "unsupported_endpoint"


async def test_it_lists_no_models() -> None:
    engine = build("engine", "none")
    await engine.start()
    assert engine.models() == []
