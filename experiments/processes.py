"""Latencies that depend on each other and have long tails, of which the truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter
from scipy.special import ndtr, ndtri

Floats = npt.NDArray[np.float64]


class Process(Protocol):
    """Latencies in milliseconds of requests in the order of their arrival."""

    @property
    def name(self) -> str: ...

    def draw(self, gaps: Floats, random: np.random.Generator) -> Floats:
        """Latencies of arrivals that are `gaps` ms apart."""
        ...

    def quantile(self, share: float) -> float: ...

    @property
    def mean(self) -> float: ...


@dataclass(frozen=True)
class Lognormal:
    """Lognormal values whose logarithms are an AR(1) series: a Gaussian copula with correlation `memory`^lag."""

    memory: float
    median: float
    sigma: float

    @property
    def name(self) -> str:
        return f"lognormal (sigma {self.sigma:g}), AR(1) copula {self.memory:g}"

    def draw(self, gaps: Floats, random: np.random.Generator) -> Floats:
        steps = random.standard_normal(len(gaps))
        steps[1:] *= np.sqrt(1 - self.memory**2)
        return self.median * np.exp(self.sigma * lfilter([1.0], [1.0, -self.memory], steps))

    def quantile(self, share: float) -> float:
        return float(self.median * np.exp(self.sigma * ndtri(share)))

    @property
    def mean(self) -> float:
        return float(self.median * np.exp(self.sigma**2 / 2))


@dataclass(frozen=True)
class Queue:
    """Time in an M/G/1 queue, service included: lognormal, mean in ms, `scv` its squared coefficient of variation.

    The truth is the Pollaczek-Khinchine formula, its geometric sum of residual services summed with a Fourier
    transform.
    """

    load: float
    service: float
    scv: float

    @property
    def name(self) -> str:
        return f"M/G/1 queue at {self.load:.0%}"

    def draw(self, gaps: Floats, random: np.random.Generator) -> Floats:
        services = random.lognormal(self._mu, self._sigma, len(gaps))
        walk = np.cumsum(np.concatenate([[0.0], services[:-1] - gaps[1:]]))
        return walk - np.minimum.accumulate(walk) + services  # Lindley: the wait is the walk above its lowest so far

    def quantile(self, share: float) -> float:
        grid, below = self._distribution
        return float(np.interp(share, below, grid))

    @property
    def mean(self) -> float:
        """Exact: service + load * (1 + scv) / 2 / (1 - load) * service."""
        return self.service * (1 + self.load * (1 + self.scv) / 2 / (1 - self.load))

    @cached_property
    def _distribution(self) -> tuple[Floats, Floats]:
        cells, step = 1 << 20, self.service * 1000 / (1 << 20)
        grid = np.arange(cells + 1) * step
        with np.errstate(divide="ignore"):
            place = (np.log(grid) - self._mu) / self._sigma
        below = ndtr(place)
        capped = self.service * ndtr(place - self._sigma) + grid * (1 - below)  # E min(service, x)
        residual, service = (np.fft.rfft(np.diff(part), 2 * cells) for part in (capped / self.service, below))
        total = np.fft.irfft((1 - self.load) / (1 - self.load * residual) * service, 2 * cells)[:cells]
        return grid[1:], np.cumsum(total)

    @property
    def _sigma(self) -> float:
        return float(np.sqrt(np.log(1 + self.scv)))

    @property
    def _mu(self) -> float:
        return float(np.log(self.service) - self._sigma**2 / 2)
