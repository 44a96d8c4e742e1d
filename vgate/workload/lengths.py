"""How long prompts and answers are: a number, or a distribution of numbers, of tokens."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from vgate.load.draws import Draws, exp

MOST = 1_000_000  # tokens; no model takes longer prompts, and no machine wants to make them


class Lengths(Protocol):
    """A distribution of whole numbers from 1 to MOST."""

    def draw(self, draws: Draws) -> int:
        """One length; takes what it needs from `draws`."""


@dataclass(frozen=True)
class Fixed:
    """Always the same."""

    value: int

    def draw(self, draws: Draws) -> int:
        return self.value


@dataclass(frozen=True)
class Uniform:
    """Every whole number from min to max, each as likely."""

    min: int
    max: int

    def draw(self, draws: Draws) -> int:
        return self.min + draws.index(self.max - self.min + 1)


@dataclass(frozen=True)
class Normal:
    """Rounded to whole numbers; what falls below min or above max is drawn again, which moves mean and spread."""

    mean: float
    stddev: float
    min: int = 1
    max: int | None = None

    def draw(self, draws: Draws) -> int:
        return _within(lambda: self.mean + self.stddev * draws.normal(), self.min, self.max)


@dataclass(frozen=True)
class Lognormal:
    """Half below the median, and a long tail: two thirds lie between median / e^sigma and median * e^sigma.

    Rounded to whole numbers; what falls below min or above max is drawn again, which moves the median.
    """

    median: float
    sigma: float
    min: int = 1
    max: int | None = None

    def draw(self, draws: Draws) -> int:
        return _within(lambda: self.median * exp(self.sigma * draws.normal()), self.min, self.max)


KINDS: dict[str, type[Uniform | Normal | Lognormal]] = {"uniform": Uniform, "normal": Normal, "lognormal": Lognormal}


def lengths(setting: int | Mapping[str, Any]) -> Lengths:
    """From a setting: 32, or {distribution: uniform, min: 16, max: 64}."""
    if isinstance(setting, int):
        return Fixed(setting)
    settings = dict(setting)
    return KINDS[settings.pop("distribution")](**settings)


def _within(draw: Callable[[], float], least: int, most: int | None) -> int:
    """The settings see to it that enough falls within (`vgate.config.workload_schema`)."""
    while True:
        value = math.floor(draw() + 0.5)
        if least <= value <= (most or MOST):
            return value
