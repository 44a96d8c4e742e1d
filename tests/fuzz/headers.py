"""Headers that are nearly right."""

from collections.abc import Callable
from random import Random

Field = tuple[bytes, bytes]

_KNOWN = b"""
    Authorization X-Request-Id X-VGate-Deadline-Ms X-VGate-Cache-TTL Cache-Control Content-Type Content-Length Host TE
    Transfer-Encoding Connection Expect Upgrade Accept Origin X-Forwarded-For X-Forwarded-Proto Forwarded traceparent
    Cookie Accept-Encoding Range
""".split()
_NAMES = [b"", b" ", b"X A", b"X-A ", b"\xff", b"a" * 70_000, b"X-A\x00", b":", b"(x)", b"X_A", b"X-A"]
_PLAIN = [
    b"",
    b"x",
    b"0",
    b"-1",
    b"1e9",
    b"nan",
    b"9" * 40,
    b"a" * 5000,
    b'"',
    b'"\\',
    b",,,",
    b";;",
    b" " * 3000,
    b"=" * 50,
]
_STRANGE = [b"\xff\xfe", "é".encode(), b"a\x00b", b"\x7f", b"a\tb", b"a\rb", b"a\nb", b"a\r\n b", b"%0d%0aX-A: b"]
_KEYS = [
    b"Bearer",
    b"Bearer sk-bad",
    b"Basic eDp5",
    b"bearer sk-good",
    b"Bearer  sk-good",
    b"Bearer sk-good,",
    b"Bearer \xe9",
]
_CACHING = [
    b"no-store",
    b"no-cache",
    b"max-age=0",
    b'max-age="1',
    b"=",
    b"a" * 9000,
    b"no-cache,,max-age=5",
    b"max-age=-1",
]
_DEADLINES = [b"0.001", b"1", b"5000", b"1e3", "٣".encode(), b"1.", b"1" * 12, b"1" * 13, b"0", b"00.1"]
_MEDIA = [b"text/plain", b"application/x+json", b"multipart/form-data", b"/", b";", b"application/json; charset=utf-16"]


def _value(dice: Random) -> bytes:
    return dice.choice([dice.choice(_PLAIN), dice.choice(_STRANGE), dice.randbytes(dice.randrange(40))])


_FIELDS: list[Callable[[Random], Field]] = [
    lambda dice: (dice.choice(_KNOWN), _value(dice)),
    lambda dice: (dice.choice(_KNOWN), _value(dice)),
    lambda dice: (dice.choice(_NAMES), _value(dice)),
    lambda dice: (b"Authorization", dice.choice(_KEYS)),
    lambda dice: (b"Cache-Control", dice.choice(_CACHING)),
    lambda dice: (b"X-VGate-Deadline-Ms", dice.choice(_DEADLINES)),
    lambda dice: (b"Content-Type", dice.choice(_MEDIA)),
    lambda dice: (b"Upgrade", dice.choice([b"h2c", b"websocket", b"TLS/1.0"])),
    lambda dice: (b"Connection", dice.choice([b"Upgrade", b"upgrade, close", b"keep-alive", b"close, close", b"te"])),
    lambda dice: (b"Expect", dice.choice([b"100-continue", b"100-Continue", b"200-ok"])),
    lambda dice: (b"X-Many", b"y" * dice.choice([60_000, 66_000])),
]


def odd_fields(dice: Random) -> list[Field]:
    """One to five."""
    return [dice.choice(_FIELDS)(dice) for _ in range(dice.choice([1, 1, 2, 5]))]
