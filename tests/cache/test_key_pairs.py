"""A hundred thousand pairs of requests: one field differs, or nothing but how the JSON was written."""

import random
import string
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cache.fields import CHAT, COMPLETIONS, EMBEDDINGS, MESSAGES
from tests.cache.test_key import BODIES, ENDPOINTS, key
from vgate.cache import key as module
from vgate.types import Call, Endpoint

FIELDS = [(endpoint, field) for endpoint, fields in ENDPOINTS.items() for field in fields]
PAIRS, EXAMPLES = 100, 1000


def request(draw: random.Random, extra: dict[str, Any]) -> tuple[Endpoint, dict[str, Any]]:
    """A request with any of the fields there are, in any order, each with one of its values, and others beside."""
    endpoint = draw.choice(list(ENDPOINTS))
    fields = ENDPOINTS[endpoint]
    names = draw.sample(list(fields), draw.randrange(1, len(fields)))
    return endpoint, {
        **{f"x{name}": value for name, value in extra.items()},
        **{n: draw.choice(fields[n]) for n in names},
    }


def with_one_change(draw: random.Random, endpoint: Endpoint, body: dict[str, Any]) -> dict[str, Any]:
    """One field another value, gone, or new; or one of the messages' parts another one."""
    fields = ENDPOINTS[endpoint]
    name = draw.choice(list(fields))
    others = [value for value in fields[name] if name not in body or value != body[name]]
    if name in body and draw.random() < 0.3:
        return {field: value for field, value in body.items() if field != name}
    if name == "messages":
        others = [value for value in MESSAGES.values() if value != body.get("messages")]
    return {**body, name: draw.choice(others)}


def rewritten(draw: random.Random, value: Any) -> Any:
    """The same with the keys of every object in another order."""
    if isinstance(value, list):
        return [rewritten(draw, item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: rewritten(draw, value[name]) for name in draw.sample(list(value), len(value))}


@settings(max_examples=EXAMPLES)
@given(st.integers(0, 2**32), BODIES)
def test_C1_C2_no_two_requests_that_differ_in_one_field_share_a_key(seed: int, extra: dict[str, Any]) -> None:
    """EXAMPLES x PAIRS pairs: no false hit."""
    draw = random.Random(seed)
    for _ in range(PAIRS):
        endpoint, body = request(draw, extra)
        assert key(body, endpoint) != key(with_one_change(draw, endpoint, body), endpoint)


@settings(max_examples=EXAMPLES)
@given(st.integers(0, 2**32), BODIES)
def test_C3_however_the_same_request_is_written_its_key_is_the_same(seed: int, extra: dict[str, Any]) -> None:
    """EXAMPLES x PAIRS pairs: no false miss."""
    draw = random.Random(seed)
    for number in range(PAIRS):
        endpoint, body = request(draw, extra)
        sent = orjson.dumps(rewritten(draw, body), option=orjson.OPT_INDENT_2 if number % 2 else None)
        spaced = b" \t\r\n" + sent.replace(b'": ', b'"  :\t') if number % 4 == 1 and b"\\" not in sent else sent
        assert key(orjson.loads(orjson.dumps(body)), endpoint) == key(orjson.loads(spaced), endpoint)


@pytest.mark.parametrize(("endpoint", "field"), FIELDS)
def test_C1_leaving_any_one_field_out_of_the_key_is_noticed(
    endpoint: Endpoint, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test of C1 would fail for a key that overlooks a field."""
    body = {name: values[0] for name, values in ENDPOINTS[endpoint].items()}
    other = {**body, field: ENDPOINTS[endpoint][field][1]}
    assert key(body, endpoint) != key(other, endpoint)
    monkeypatch.setattr(module, "formless", overlooking(field))
    assert key(body, endpoint) == key(other, endpoint)


def overlooking(field: str) -> Callable[[Call], dict[str, Any]]:
    return lambda call: {name: value for name, value in call.body.items() if name != field}


def test_C1_the_fields_are_those_that_the_engine_knows() -> None:
    """The table is worth something only if it has OpenAI's fields, whoever edits it."""
    asked = {"messages", "tools", "tool_choice", "response_format", "temperature", "top_p", "n", "seed", "stop"}
    assert asked | {"max_tokens", "max_completion_tokens", "logit_bias", "logprobs", "top_logprobs", "model"} <= set(
        CHAT
    )
    assert {"prompt", "suffix", "best_of", "echo", "model"} <= set(COMPLETIONS)
    assert {"input", "dimensions", "encoding_format", "model"} <= set(EMBEDDINGS)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b"1", b"1.0", False),
        (b"100.0", b"1e2", True),
        (b"0.0", b"-0.0", False),
        (b"18446744073709551615", b"18446744073709551614", False),
        # Past 64 bits a number is read as a float, and that is what the engine gets too.
        (b"18446744073709551616", b"18446744073709551617", True),
        (b'{"a": 1, "a": 2}', b'{"a": 2}', True),  # the last one counts, for the engine too
        (b'"\\u00e9"', '"é"'.encode(), True),
        (b'"\\ud83d\\ude00"', '"😀"'.encode(), True),
        (b"[]", b"[[]]", False),
        (b"null", b'"null"', False),
    ],
)
def test_C5_the_key_is_of_what_the_engine_reads(one: bytes, other: bytes, same: bool) -> None:
    keys = [key(orjson.loads(b'{"seed": 1, "extra": ' + value + b"}")) for value in (one, other)]
    assert (keys[0] == keys[1]) == same


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"1e400", b'"\\ud800"', b'"\\udc00x"', b'"\xff"'])
def test_what_has_no_key_is_no_json(value: bytes) -> None:
    """Refused with a 400 when it is read, so that no key is ever asked for it."""
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(b'{"extra": ' + value + b"}")


@given(st.text(string.printable, max_size=20).map(str.encode))
def test_whatever_can_be_read_has_a_key(data: bytes) -> None:
    try:
        body = orjson.loads(b'{"extra": ' + data + b"}")
    except orjson.JSONDecodeError:
        return
    assert len(key(body)) == 32


def test_a_request_of_the_greatest_depth_that_is_let_in_has_a_key() -> None:
    deep: Any = 1
    for _ in range(127):
        deep = [deep]
    assert len(key({"extra": deep})) == 32
