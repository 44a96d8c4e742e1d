import pytest

from tests.components import build


@pytest.mark.parametrize("header", [None, "Bearer whatever"])
async def test_everybody_may_ask_as_often_as_they_like(header: str | None) -> None:
    security = build("security", "none")
    for _ in range(1000):
        admission = security.admit("/v1/chat/completions", header)
        assert (admission.caller, admission.headers) == ("anonymous", {})
