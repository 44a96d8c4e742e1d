"""The cells of a run, round by round, under the configuration that they measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from statistics import fmean

from vgate.harness.baseline import is_classic
from vgate.harness.interval import t_interval
from vgate.harness.results import Result, Run
from vgate.harness.server_numbers import NUMBERS


@dataclass(frozen=True)
class Configuration:
    """All rounds of one configuration. axes: what distinguishes it from the others of its run."""

    axes: dict[str, str]
    results: list[Result]

    @property
    def label(self) -> str:
        """As on the command line."""
        return " ".join(f"{key}={value}" for key, value in self.axes.items()) or "the trial"

    @property
    def short(self) -> str:
        """The values alone, for figures whose text names the keys."""
        return " · ".join(self.axes.values()) or "the trial"

    @property
    def valid(self) -> list[Result]:
        return [result for result in self.results if not result.invalid]

    @property
    def classic(self) -> bool:
        """Whether this is the original gateway, the baseline."""
        return is_classic(self.results[0].config)

    def rounds(self, metric: str) -> list[float]:
        """The metric in each valid round where it is defined, and not refused."""
        values = [result.numbers.get(metric) for result in self.valid]
        return [float(value) for value in values if value is not None and not isnan(value)]

    def value(self, metric: str) -> float | None:
        """The mean over the valid rounds; None where a round has none, for then the mean would be of other rounds."""
        found = self.rounds(metric)
        return fmean(found) if found and len(found) == len(self.valid) else None

    def absent(self, metric: str) -> bool:
        """Whether the metric is not known, or not defined, in any round: not the same as refused."""
        return all(_absent(result, metric) for result in self.results)

    def interval(self, metric: str) -> tuple[float, float] | None:
        """The 95 % interval of that mean: over three rounds or more, or of the one run within itself; else None."""
        if self.value(metric) is None:
            return None
        if len(self.valid) == 1:
            return self.valid[0].estimates[metric].interval if metric in self.valid[0].estimates else None
        return t_interval(self.rounds(metric))


def configurations(run: Run, metric: str) -> list[Configuration]:
    """All of a run, the best by `metric` first, those without a valid round last."""
    groups: dict[str, list[Result]] = {}
    for result in run.results:
        groups.setdefault(result.label, []).append(result)
    made = [Configuration(results[0].about["axes"], results) for results in groups.values()]
    return sorted(made, key=lambda one: _worth(one, metric), reverse=True)


def shown(found: Sequence[Configuration], limit: int) -> list[Configuration]:
    """The first `limit`, with the baseline in the last place if it is not among them."""
    first = list(found[:limit])
    rest = [one for one in found[limit:] if one.classic]
    return [*first[: limit - 1], rest[0]] if rest else first


def keys(found: Sequence[Configuration]) -> str:
    """The axes' names in the order of `Configuration.short`."""
    return " · ".join(found[0].axes) if found else ""


def _absent(result: Result, metric: str) -> bool:
    """None is a percentile refused, or a number of the server's that was not recorded."""
    value = result.numbers.get(metric)
    if value is None:
        return metric in NUMBERS and (result.server is None or not metric.startswith("gateway_ms_p"))
    return isnan(value)


def _worth(one: Configuration, metric: str) -> tuple[bool, float]:
    value = one.value(metric)
    return bool(one.valid), value if value is not None else float("-inf")
