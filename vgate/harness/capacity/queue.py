"""A queue whose capacity is known: what the search is checked against.

One server, first come first served, Poisson arrivals; service times exponential (M/M/1) or all alike (M/D/1).
"""

import math
from dataclasses import dataclass

import numpy as np

from vgate.harness.capacity.evidence import Probe
from vgate.load.seeds import derive

LIMIT = "E2E"


@dataclass(frozen=True)
class GoldenQueue:
    """service_s: mean service time. limit_s: how long waiting and service together may take."""

    service_s: float
    limit_s: float
    exponential: bool

    def late(self, rate: float) -> float:
        """Share of requests that take longer than the limit, in the long run, at `rate` requests per second."""
        if rate * self.service_s >= 1:
            return 1.0
        return self._late_exponential(rate) if self.exponential else self._late_constant(rate)

    def capacity(self, allowed: float) -> float:
        """The rate at which the share `allowed` is late, to 1e-9."""
        low, high = 0.0, 1 / self.service_s
        while high - low > 1e-9 * high:
            middle = (low + high) / 2
            low, high = (middle, high) if self.late(middle) <= allowed else (low, middle)
        return low

    def _late_exponential(self, rate: float) -> float:
        """P(T > t) = exp(-(mu - lambda) t); e.g. Kleinrock, Queueing Systems I, 5.6."""
        return math.exp(-(1 / self.service_s - rate) * self.limit_s)

    def _late_constant(self, rate: float) -> float:
        """P(W <= t) = (1 - rho) sum_k (-lambda (t - k D))^k / k! exp(lambda (t - k D)), k D <= t: Erlang 1909."""
        wait = self.limit_s - self.service_s
        if wait < 0:
            return 1.0
        steps = range(math.floor(wait / self.service_s + 1e-12) + 1)
        loads = [rate * (wait - k * self.service_s) for k in steps]
        terms = [(-load) ** k / math.factorial(k) * math.exp(load) for k, load in zip(steps, loads, strict=True)]
        return 1 - (1 - rate * self.service_s) * math.fsum(terms)


@dataclass(frozen=True)
class VirtualQueue:
    """Measures a golden queue in virtual time: a `Measure`. Each window begins with an empty queue and a warm-up."""

    queue: GoldenQueue
    seed: int
    warmup_s: float

    def __call__(self, rate: float, wanted: int, number: int) -> Probe:
        draw = np.random.default_rng(derive(self.seed, f"{rate!r} {wanted} {number}"))
        window_s = wanted / rate
        due = _arrivals(draw, rate, self.warmup_s + window_s)
        latency = self._latencies(draw, due)
        inside = due >= self.warmup_s
        drained = float(np.max(due[inside] + latency[inside], initial=0.0)) - self.warmup_s - window_s
        sent = len(due) + round(rate * max(0.0, drained))  # the load goes on until the last of the window has ended
        return Probe(rate, {LIMIT: latency[inside] / self.queue.limit_s}, sent, self.warmup_s + window_s)

    def _latencies(self, draw: np.random.Generator, due: np.ndarray) -> np.ndarray:
        """Lindley's recursion W' = max(0, W + S - A), solved: W is the walk above its lowest point so far."""
        mean = self.queue.service_s
        service = draw.exponential(mean, len(due)) if self.queue.exponential else np.full(len(due), mean)
        walk = np.concatenate([[0.0], np.cumsum(service[:-1] - np.diff(due))])
        return np.asarray(walk - np.minimum.accumulate(walk) + service)


def _arrivals(draw: np.random.Generator, rate: float, until_s: float) -> np.ndarray:
    """A Poisson process over [0, until_s)."""
    expected = rate * until_s
    gaps = draw.exponential(1 / rate, math.ceil(expected + 10 * math.sqrt(expected) + 10))
    due = np.cumsum(gaps)
    return due[: np.searchsorted(due, until_s)]
