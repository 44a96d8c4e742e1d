from typing import Any

import pytest

from tests.calls import chat
from vgate.routing.base import Hint
from vgate.routing.text import beginning

SYSTEM = {"role": "system", "content": "be brief"}


def of(**body: Any) -> bytes:
    return beginning(body, 1000)


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


def test_a_conversation_begins_as_it_did_a_turn_before() -> None:
    turn = of(messages=[SYSTEM, user("hello")])
    later = of(messages=[SYSTEM, user("hello"), {"role": "assistant", "content": "hi"}, user("more")])
    assert later.startswith(turn)
    assert not of(messages=[SYSTEM, user("hullo")]).startswith(turn)


def test_what_is_no_prompt_makes_no_difference() -> None:
    assert of(messages=[user("a")], temperature=0.1, max_tokens=3, user="x") == of(messages=[user("a")])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"messages": [user("a")]}, {"messages": [{"role": "system", "content": "a"}]}),
        ({"messages": [user("a")]}, {"messages": [user("a")], "cache_salt": "s"}),
        ({"messages": [user("a")]}, {"messages": [user("a")], "tools": [{"type": "function"}]}),
        ({"prompt": "a"}, {"prompt": "b"}),
        ({"prompt": [1, 2]}, {"prompt": [1, 3]}),
        ({"messages": [user([{"type": "text", "text": "a"}])]}, {"messages": [user([{"type": "text", "text": "b"}])]}),
        ({"messages": [user([{"type": "image_url", "image_url": {"url": "data:a"}}])]}, {"messages": [user([])]}),
    ],
)
def test_what_the_prefix_cache_tells_apart_is_told_apart(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert of(**one) != of(**other)


def test_text_in_parts_is_the_same_text() -> None:
    assert of(messages=[user([{"type": "text", "text": "a"}])]) == of(messages=[user("a")])


def test_of_several_prompts_the_first_counts() -> None:
    assert of(prompt=["a", "b"]) == of(prompt="a") == b"a"
    assert of(prompt=[[1, 2], [3]]) == of(prompt=[1, 2]) == b"[1,2]"


@pytest.mark.parametrize("body", [{}, {"messages": 3}, {"messages": [None, 7]}, {"prompt": {"a": 1}}, {"prompt": None}])
def test_nonsense_is_left_to_the_engine(body: dict[str, Any]) -> None:
    assert isinstance(of(**body), bytes)


def test_no_more_is_made_than_is_asked_for() -> None:
    assert len(beginning({"messages": [user("x" * 5_000_000)] * 50}, 100)) == 100
    assert len(beginning({"prompt": "ä" * 1000}, 101)) == 101


def test_surrogates_do_not_break_it() -> None:
    assert of(messages=[user("\ud800")]) != of(messages=[user("\ud801")])


def test_a_hint_makes_no_text_before_it_is_asked() -> None:
    call = chat("hello")
    assert Hint.of(call).model == call.body["model"]
    assert b"hello" in Hint.of(call).text(1000)
