"""By which number two configurations are compared, and which way is better."""

import math
from dataclasses import dataclass
from typing import Any

from vgate.config.errors import unknown_option
from vgate.harness.estimates import PERCENTS
from vgate.harness.results import Result

RATES = ("goodput_per_s", "attainment", "output_tokens_per_s", "completed_per_s")
LATENCIES = ("ttft_ms", "ttft_service_ms", "tpot_ms", "itl_ms", "e2e_ms")


@dataclass(frozen=True)
class Metric:
    """A column of a run's summary.csv. counted: it counts requests or tokens, so it may be 0 and moves in steps."""

    column: str
    higher_is_better: bool
    counted: bool


METRICS = {column: Metric(column, higher_is_better=True, counted=True) for column in RATES} | {
    f"{name}_p{percent}": Metric(f"{name}_p{percent}", higher_is_better=False, counted=False)
    for name in LATENCIES
    for percent in PERCENTS
}


@dataclass(frozen=True)
class Measured:
    """One measurement, as far as a comparison looks at it.

    value: None where the metric is undefined or refused for want of requests. invalid: the reasons, if any.
    cell: its folder's name. unanswered: how many of its requests were refused, or failed.
    """

    value: float | None
    requests: int
    seconds: float
    attainment: float
    invalid: tuple[str, ...]
    cell: str
    unanswered: int = 0

    @classmethod
    def of(cls, result: Result, metric: Metric) -> "Measured":
        """What a finished cell says."""
        numbers, value = result.numbers, result.numbers.get(metric.column)
        return cls(
            _known(value, metric),
            int(numbers["requests"]),
            result.window.seconds,
            float(numbers["attainment"]),
            tuple(result.invalid),
            result.folder.name,
            int(numbers["errors"]),
        )


def _known(value: float | None, metric: Metric) -> float | None:
    """The value, or None if nothing can be compared with it."""
    if value is None or not math.isfinite(value):
        return None
    return float(value) if value > 0 or metric.counted else None


def gain(metric: Metric, a: Measured, b: Measured) -> float:
    """ln(B / A), turned so that above 0 B is better. Needs both values.

    A count of 0 is taken for half a request: that B has none where A has many must stay a finite number.
    """
    ratio = math.log(_positive(metric, b) / _positive(metric, a))
    return ratio if metric.higher_is_better else -ratio


def resolution(metric: Metric, sides: tuple[list[Measured], list[Measured]]) -> float:
    """What one request more or less makes of the mean gain; 0 for a latency."""
    fewest = min(sum(one.requests for one in side) for side in sides)
    return 1 / max(1, fewest) if metric.counted else 0.0


def incomparable(metric: Metric, sides: tuple[list[Measured], list[Measured]], margin: float) -> str | None:
    """Why this number of the two sides may not be compared, in words; None if it may.

    A request that is refused costs a server nothing: those that it does answer are the faster for it, and their
    latencies say little of a side that answers all. Percentiles rank it last, which shows only where it reaches them.
    """
    if metric.counted or not all(sides):
        return None
    answered = [1 - sum(one.unanswered for one in side) / max(1, sum(one.requests for one in side)) for side in sides]
    if abs(answered[0] - answered[1]) <= math.expm1(margin):
        return None
    return (
        f"Not comparable by {metric.column}: A answered {answered[0]:.1%} of its requests, B {answered[1]:.1%}, and who"
        " refuses more is the faster for the others; --metric attainment or completed counts what was not answered."
    )


def _positive(metric: Metric, measured: Measured) -> float:
    assert measured.value is not None  # only usable pairs are compared
    least = 0.5 / max(1, measured.requests) if metric.column == "attainment" else 0.5 / measured.seconds
    return measured.value or least


def metric_named(name: str | None, container: dict[str, Any]) -> Metric:
    """The metric of that name, units left out or not; ConfigError if there is none.

    Without a name: goodput where the configuration has targets, else TTFT p50, else (answers not streamed) E2E p50.
    """
    if name is None:
        without_targets = "ttft_ms_p50" if container.get("workload", {}).get("stream", True) else "e2e_ms_p50"
        return METRICS["goodput_per_s" if any(container.get("slo", {}).values()) else without_targets]
    short = {column.replace("_per_s", "").replace("_ms", ""): column for column in METRICS}
    if name not in METRICS and name not in short:
        raise unknown_option("--metric", name, "the command line", short)
    return METRICS[short.get(name, name)]
