"""Five arrival traces: when requests come and how many tokens each asks for. Seeded: the same seed, the same trace."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import NamedTuple

# Answers have 8 to 24 tokens, so that batches are not of equals.
LENGTHS = (8, 24)


class Arrival(NamedTuple):
    """Seconds from the start, and output tokens."""

    at: float
    tokens: int


def trace(name: str, rate: float, seconds: float, seed: int) -> list[Arrival]:
    """The arrivals of a trace with so many requests per second on average."""
    draw = random.Random(f"{name} {seed}")  # noqa: S311 - seeded on purpose
    offsets = takewhile(lambda at: at < seconds, TRACES[name](rate, seconds, draw))
    return [Arrival(at, draw.randint(*LENGTHS)) for at in offsets]


def _steady(rate: float, _seconds: float, _draw: random.Random) -> Iterator[float]:
    """One after the other at equal distances."""
    number = 0
    while True:
        yield number / rate
        number += 1


def _poisson(rate: float, _seconds: float, draw: random.Random) -> Iterator[float]:
    """Independent of one another."""
    at = 0.0
    while True:
        yield (at := at + draw.expovariate(rate))


def _burst(rate: float, _seconds: float, draw: random.Random) -> Iterator[float]:
    """All of a second's requests within its first 20 ms."""
    second = 0
    while True:
        yield from sorted(second + draw.uniform(0, 0.02) for _ in range(round(rate)))
        second += 1


def _ramp(rate: float, seconds: float, draw: random.Random) -> Iterator[float]:
    """Poisson, from a fifth of the rate up to 1.8 times it."""
    return _thinned(1.8 * rate, lambda at: (0.2 + 1.6 * at / seconds) / 1.8, draw)


def _on_off(rate: float, _seconds: float, draw: random.Random) -> Iterator[float]:
    """Poisson at twice the rate for a second, then nothing for a second."""
    return _thinned(2 * rate, lambda at: float(at % 2 < 1), draw)


def _thinned(rate: float, share: Callable[[float], float], draw: random.Random) -> Iterator[float]:
    """A Poisson process of which a share is kept that depends on the time."""
    return (at for at in _poisson(rate, 0.0, draw) if draw.random() < share(at))


TRACES: dict[str, Callable[[float, float, random.Random], Iterator[float]]] = {
    "steady": _steady,
    "poisson": _poisson,
    "burst": _burst,
    "ramp": _ramp,
    "on/off": _on_off,
}
