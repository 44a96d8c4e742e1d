"""Bytes with something wrong in them."""

from collections.abc import Callable, Iterator
from random import Random

_STRANGE = [
    *(b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xef\xbb\xbf", b"\xc0\xaf", b"\xe2\x80\xa8"),
    *(b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b"\x1b[31m"),
]


def _flip(dice: Random, data: bytes) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :]


def _insert(dice: Random, data: bytes) -> bytes:
    at = dice.randrange(len(data) + 1)
    return data[:at] + dice.choice(_STRANGE) * dice.choice([1, 1, 1, 2, 300]) + data[at:]


def _drop(dice: Random, data: bytes) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + data[at + dice.choice([1, 1, 2, 7, 40]) :]


def _repeat(dice: Random, data: bytes) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + data[at : at + dice.choice([1, 3, 20])] * dice.choice([2, 3, 50]) + data[at:]


def _truncate(dice: Random, data: bytes) -> bytes:
    return data[: dice.randrange(len(data) + 1)]


def _noise(dice: Random, data: bytes) -> bytes:
    return dice.randbytes(dice.choice([0, 1, 5, 60, 500]))


_WAYS: list[Callable[[Random, bytes], bytes]] = [_flip, _flip, _insert, _insert, _drop, _repeat, _truncate, _noise]


def spoilt(dice: Random, data: bytes) -> bytes:
    """Changed in one to three ways."""
    for _ in range(dice.randint(1, 3)):
        data = dice.choice(_WAYS)(dice, data) if data else dice.choice(_STRANGE)
    return data


def pieces(dice: Random, data: bytes) -> Iterator[bytes]:
    """Cut: mostly not at all, else anywhere, now and then after every byte."""
    if dice.random() < 0.02 and len(data) < 600:
        yield from (bytes([byte]) for byte in data)
        return
    count = dice.choice([0, 0, 1, 3])
    places = sorted(dice.randrange(len(data) + 1) for _ in range(count))
    yield from (data[begin:end] for begin, end in zip([0, *places], [*places, len(data)], strict=True))
