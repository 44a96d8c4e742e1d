"""When two requests are the same request."""

import os
import string
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Literal

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.cache.fields import CHAT, COMPLETIONS, EMBEDDINGS, MESSAGES
from tests.calls import call_of
from vgate.cache.key import Sharing, is_repeatable
from vgate.types import Endpoint

ENDPOINTS: dict[Endpoint, dict[str, tuple[Any, Any]]] = {
    "chat": CHAT,
    "completions": COMPLETIONS,
    "embeddings": EMBEDDINGS,
}
TEXT = st.text(st.characters(codec="utf-8"))
# C4 says 1,000, which takes a minute or two: C4_PROCESSES=1000.
PROCESSES = int(os.environ.get("C4_PROCESSES", "50"))
NUMBERS = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
BODIES = st.dictionaries(st.text(string.ascii_letters, min_size=1, max_size=3), JSON, max_size=4)


def key(body: dict[str, Any], endpoint: Endpoint = "chat", caller: str = "a", **changes: Any) -> bytes:
    sharing = Sharing(changes.get("scope", "key"), sampled=False)
    return sharing.key(call_of(body, endpoint, caller), changes.get("fingerprint", "model"))


@pytest.mark.parametrize(
    ("endpoint", "field"), [(endpoint, field) for endpoint, fields in ENDPOINTS.items() for field in fields]
)
def test_C1_changing_only_one_field_changes_the_key(endpoint: Endpoint, field: str) -> None:
    body = {name: values[0] for name, values in ENDPOINTS[endpoint].items()}
    without = {name: value for name, value in body.items() if name != field}
    other = {**body, field: ENDPOINTS[endpoint][field][1]}
    assert len({key(body, endpoint), key(other, endpoint), key(without, endpoint)}) == 3


@pytest.mark.parametrize("changed", MESSAGES)
def test_C1_changing_only_something_in_the_messages_changes_the_key(changed: str) -> None:
    usual = MESSAGES["as it is"]
    assert (key({"messages": usual}) == key({"messages": MESSAGES[changed]})) == (changed == "as it is")


def test_C1_what_is_asked_of_whom_and_where_is_part_of_the_key() -> None:
    body = {"model": "test", "prompt": "hi"}
    keys = [
        key(body, "completions"),
        key(body, "chat"),
        key(body, "completions", caller="b"),
        key(body, "completions", fingerprint="another model, revision or template"),
    ]
    assert len(set(keys)) == 4


@given(BODIES, st.text(string.ascii_letters, min_size=1), JSON)
def test_C2_an_unknown_field_is_part_of_the_key(body: dict[str, Any], name: str, value: Any) -> None:
    assume(name not in body)
    assert key(body) != key({**body, name: value})


@given(BODIES, st.randoms(use_true_random=False))
def test_C3_order_of_keys_and_white_space_do_not_matter(body: dict[str, Any], order: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, list):
            return [shuffled(item) for item in value]
        if not isinstance(value, dict):
            return value
        items = [(name, shuffled(inner)) for name, inner in value.items()]
        order.shuffle(items)
        return dict(items)

    sent = orjson.dumps(shuffled(body), option=orjson.OPT_INDENT_2)
    assert key(orjson.loads(sent)) == key(orjson.loads(orjson.dumps(body)))


def test_C3_order_in_arrays_matters() -> None:
    assert key({"stop": ["a", "b"]}) != key({"stop": ["b", "a"]})


def test_C4_every_process_makes_the_same_key() -> None:
    """Python's own hashing, and so the order of sets, differs between these processes."""
    program = (
        "from vgate.cache.key import Sharing; from vgate.types import Call;"
        "body = {'b': {'y': 1, 'x': [1.5, None, 'é']}, 'a': True};"
        "print(Sharing('key', False).key(Call('1', 'chat', body, 'me'), 'model').hex())"
    )

    def key_of_process(seed: int) -> str:
        environ = {**os.environ, "PYTHONHASHSEED": str(seed)}
        run = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
        return run.stdout

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(key_of_process, range(PROCESSES)))) == 1


@given(BODIES, BODIES)
def test_C5_different_bodies_have_different_keys(one: dict[str, Any], other: dict[str, Any]) -> None:
    same = orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)
    assert (key(one) == key(other)) == same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"user": "a", "seed": 1}, {"user": 'a","seed":1'}),
        ({"user": "aseed: 1"}, {"user": "a", "seed": 1}),
        ({"stop": "a,b"}, {"stop": ["a,b"]}),
        ({"stop": ["a", "b"]}, {"stop": ["a,b"]}),
        ({"stop": ["a\x00b"]}, {"stop": ["a", "b"]}),
        ({"seed": 1}, {"seed": "1"}),
        ({"seed": 1}, {"seed": True}),
        ({"seed": None}, {}),
        ({"stop": []}, {"stop": {}}),
    ],
)
def test_C5_what_looks_alike_is_not_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert key(one) != key(other)


def test_C5_the_caller_cannot_be_written_into_the_body() -> None:
    assert key({"seed": 1}, caller="a") != key({"seed": 1, "caller": "a"}, caller="")


def test_C6_the_key_is_a_whole_sha256() -> None:
    assert len(key({})) * 8 == 256


@pytest.mark.parametrize(
    ("one", "other"), [("US", "us"), ("é", "e\u0301"), ("a b", "a  b"), ("a", " a"), ("a", "a\n"), ("1", "\uff11")]
)
def test_C7_case_unicode_form_and_white_space_in_the_text_are_kept(one: str, other: str) -> None:
    keys = {key({"messages": [{"role": "user", "content": text}]}) for text in (one, other)}
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("turn on dark mode", "turn off dark mode"),
        ("is it safe?", "is it not safe?"),
        ("a > b", "a < b"),
        ("convert 10 EUR to USD", "convert 10 USD to EUR"),
    ],
)
def test_C23_what_only_looks_alike_is_never_the_same(one: str, other: str) -> None:
    """Requests are compared byte by byte, not by meaning."""
    keys = {key({"messages": [{"role": "user", "content": text}]}) for text in (one, other)}
    assert len(keys) == 2


def test_C8_no_caller_sees_another_ones_entry() -> None:
    assert key({"seed": 1}, caller="a") != key({"seed": 1}, caller="b")


def test_C8_who_is_nobody_shares_with_nobody() -> None:
    """No name under the scope of one caller is no cache; without API keys everybody has one, "anonymous"."""
    nobody = call_of({"seed": 1}, "chat", "")
    assert Sharing("key", sampled=True).refuses(nobody, {}) == "no-caller"
    assert Sharing("shared", sampled=True).refuses(nobody, {}) is None
    assert Sharing("key", sampled=True).refuses(call_of({"seed": 1}, "chat", "anonymous"), {}) is None


def test_C8_unless_the_scope_is_shared() -> None:
    assert key({"seed": 1}, caller="a", scope="shared") == key({"seed": 1}, caller="b", scope="shared")


@pytest.mark.parametrize(
    ("fields", "defaults", "repeatable"),
    [
        ({"temperature": 0}, {}, True),
        ({"temperature": 0.0}, {"temperature": 0.7}, True),
        ({"temperature": 0.7}, {}, False),
        ({"temperature": 1e-9}, {}, False),
        ({}, {"temperature": 0.7}, False),
        ({}, {"temperature": 0.0}, True),
        ({}, {}, False),
        ({"temperature": None}, {"temperature": 0.0}, True),
        ({"seed": 0}, {}, True),
        ({"seed": 7, "temperature": 1.0}, {}, True),
        ({"seed": None, "temperature": 1.0}, {}, False),
        ({"seed": -1, "temperature": 1.0}, {}, False),
        ({"seed": -1, "temperature": 0}, {}, True),
    ],
)
def test_C10_C11_only_answers_that_repeat_are_shared(
    fields: dict[str, Any], defaults: dict[str, Any], repeatable: bool
) -> None:
    """Temperature left out is the server's default (C10); sampled without a seed, -1 included, is not shared (C11)."""
    call = call_of(fields, "chat")
    assert is_repeatable(call, defaults) is repeatable
    assert Sharing("key", sampled=False).refuses(call, defaults) == (None if repeatable else "sampled")
    assert Sharing("key", sampled=True).refuses(call, defaults) is None


def test_embeddings_always_repeat() -> None:
    assert is_repeatable(call_of({"input": "a"}, "embeddings"), {"temperature": 1.0})


@pytest.mark.parametrize(("scope", "alike"), [("key", False), ("shared", True)])
def test_C8_or_the_keys_have_one_cache_scope(scope: Literal["key", "shared"], alike: bool) -> None:
    def of(caller: str, shares_as: str | None) -> bytes:
        call = replace(call_of({"seed": 1}, "chat", caller), shares_as=shares_as)
        return Sharing(scope, sampled=True).key(call, "model")

    assert of("a", "team") == of("b", "team")
    assert (of("a", "team") == of("a", None)) == (of("a", "team") == of("b", "other")) == alike
