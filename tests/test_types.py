"""What a call says of itself."""

import dataclasses
from typing import Any

import pytest

from tests.calls import call_of


@pytest.mark.parametrize(
    ("body", "stream", "wants_usage"),
    [
        ({}, False, False),
        ({"stream": None}, False, False),
        ({"stream": 1}, False, False),
        ({"stream": True}, True, False),
        ({"stream": True, "stream_options": None}, True, False),
        ({"stream": True, "stream_options": {}}, True, False),
        ({"stream": True, "stream_options": {"include_usage": False}}, True, False),
        ({"stream": True, "stream_options": {"include_usage": True}}, True, True),
        ({"stream": True, "stream_options": "include_usage"}, True, False),
    ],
)
def test_what_a_call_asks_for(body: dict[str, Any], stream: bool, wants_usage: bool) -> None:
    call = call_of(body, "chat")
    assert (call.stream, call.wants_usage) == (stream, wants_usage)


def test_a_call_cannot_be_changed_on_its_way() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        call_of({}, "chat").caller = "somebody else"  # type: ignore[misc]
