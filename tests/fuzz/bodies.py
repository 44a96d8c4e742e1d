"""Bodies that are nearly right: JSON with something wrong in it, and bytes that are no JSON any more."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.fuzz.bytes import spoilt

Path = tuple[str | int, ...]


class Raw(str):
    """Text that goes into JSON as it is."""

    __slots__ = ()


def valid(dice: Random) -> tuple[str, dict[str, Any]]:
    """A path, and a body that is right for it: few questions, so that hits and joins occur."""
    text = f"question {dice.randrange(5)}"
    sampling = {
        "max_tokens": dice.randint(1, 8),
        "temperature": dice.choice([0, 0, 0.5]),
        "stream": dice.random() < 0.5,
    }
    if dice.random() < 0.3:
        sampling |= {"seed": 3, "n": 2, "stop": ["river", "x"], "top_p": 0.5, "user": "u", "model": "tiny"}
    if sampling["stream"] and dice.random() < 0.5:
        sampling["stream_options"] = {"include_usage": True}
    parts = [{"type": "text", "text": text}]
    return dice.choice(
        [
            ("/v1/chat/completions", {"messages": [{"role": "user", "content": text}], **sampling}),
            ("/v1/chat/completions", {"messages": [{"role": "user", "content": parts, "name": "n"}], **sampling}),
            ("/v1/completions", {"prompt": dice.choice([text, [text], [1, 2, 3]]), **sampling}),
            ("/v1/embeddings", {"input": dice.choice([text, [text, "b"], [1, 2], [[1], [2]]]), "dimensions": 4}),
        ]
    )


def odd(dice: Random) -> Any:
    """A value that hardly any field takes."""
    return dice.choice(_ODD)(dice)


_ODD: list[Callable[[Random], Any]] = [
    lambda dice: dice.choice([None, True, False, "", [], {}, [[]], [None], {"": {}}, {"a": [{}]}]),
    lambda dice: dice.choice([0, -1, -0.0, 1.5, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**40, 1e308, 5e-324]),
    lambda dice: Raw(dice.choice(["NaN", "-Infinity", "1e999", "-1e999", "00", "1.", "+1", "0x10", "9" * 400])),
    lambda dice: Raw(dice.choice([r'"\ud800"', r'"\udc00\ud800"', r'"\u0000"', r'"\x41"', '"\t"', "'a'", "nul", ""])),
    lambda dice: dice.choice(
        ["\x00", "\ufeff", "a\x00b", "\u2028", "🙂" * 50, "a" * 3000, "../../etc", "%s%n", "{{7*7}}"]
    ),
    lambda dice: [odd(dice) for _ in range(dice.randrange(4))],
    lambda dice: {dice.choice(["role", "content", "type", "", "__proto__", "a" * 300]): odd(dice)},
    lambda dice: Raw(dice.choice(["[", '{"a":']) * dice.choice([3, 120, 130, 1200, 9000])),
    lambda dice: Raw("[" * (depth := dice.choice([100, 127, 128, 129, 1000])) + "]" * depth),
    lambda dice: dice.choice(["false", "user", "system", "tiny", "base64", "include_usage", 1, [1, "a"], ["a", 1]]),
]


def wrong(dice: Random) -> bytes:
    """JSON of a right body in which one to three things are changed."""
    _, body = valid(dice)
    for _ in range(dice.randint(1, 3)):
        _change(dice, body)
    text = written(dice, body)
    return text.encode("utf-8", dice.choice(["surrogatepass", "replace"]))


def garbled(dice: Random) -> bytes:
    """The bytes of a right body, spoilt."""
    _, body = valid(dice)
    return spoilt(dice, written(dice, body).encode())


def _change(dice: Random, body: dict[str, Any]) -> None:
    place: Any = body
    while True:
        if not place:
            return
        key = dice.choice(list(place) if isinstance(place, dict) else range(len(place)))
        if not isinstance(place[key], dict | list) or not place[key] or dice.random() < 0.4:
            break
        place = place[key]
    kind = dice.random()
    if kind < 0.7:
        place[key] = odd(dice)
    elif kind < 0.8:
        del place[key]
    elif isinstance(place, dict):
        place[dice.choice(_NAMES)] = odd(dice)


_NAMES = (
    *("tools", "logprobs", "n", "stop", "seed", "stream", "stream_options", "messages", "prompt", "input", "model"),
    *(
        "priority",
        "user",
        "max_tokens",
        "max_completion_tokens",
        "encoding_format",
        "ignore_eos",
        "mx_tokens",
        "",
        "\x00",
    ),
)


def written(dice: Random, value: Any) -> str:
    """As JSON, now and then with blanks, escapes, or a key that comes twice."""
    if isinstance(value, Raw):
        return str(value)
    blank = dice.choice(["", "", "", " ", "\n", "\t\r\n "])
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}:{blank}{written(dice, item)}" for key, item in value.items()]
        if items and dice.random() < 0.05:
            items.append(dice.choice(items))
        return "{" + f"{blank},".join(items) + blank + "}"
    if isinstance(value, list):
        return "[" + f",{blank}".join(written(dice, item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=dice.random() < 0.5)
