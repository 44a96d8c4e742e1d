"""From measured rows to a table of regret, without the winner's curse.

The best of many noisy cells looks better than it is. So the best fixed setting of a trace is chosen on one half of the
rounds and compared with on the other half, then the other way round. Throughput: median over the compared rounds of the
ratio in each. p99 TTFT: ratio of the p99s over all requests of a half, geometric mean of the two halves.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import geometric_mean, median
from typing import Any

from vgate.harness.metrics.percentile import percentile

ADAPTIVE, PLAIN = "adaptive", "passthrough"
# The same as PLAIN, measured once more: how far its ratio is from PLAIN's is what the instrument cannot tell.
CONTROL = "passthrough, again"
TARGET_THROUGHPUT, TARGET_TTFT = 0.97, 1.05
# Among settings whose throughput is this near to the highest, the one with the least p99 TTFT is the best.
_AS_GOOD = 0.99


@dataclass(frozen=True)
class Row:
    """One setting under one trace in one round: answers per second of the whole trace, and each TTFT in ms."""

    trace: str
    setting: str
    round: int
    requests_per_s: float
    ttft_ms: list[float]


@dataclass(frozen=True)
class Regret:
    """`setting` against the best fixed setting (as chosen on either half) of a trace; ratios, 1 is no regret."""

    trace: str
    setting: str
    best: str
    throughput: float
    ttft_p99: float

    @property
    def within(self) -> bool:
        """Whether it meets both targets."""
        return self.throughput >= TARGET_THROUGHPUT and self.ttft_p99 <= TARGET_TTFT


def regrets(rows: list[Row]) -> list[Regret]:
    """For each trace: adaptive, passthrough and passthrough once more against the best fixed setting."""
    traces = list(dict.fromkeys(row.trace for row in rows))
    of = {trace: [row for row in rows if row.trace == trace] for trace in traces}
    return [_regret(of[trace], name) for trace in traces for name in (ADAPTIVE, PLAIN, CONTROL)]


def _regret(rows: list[Row], setting: str) -> Regret:
    rounds = sorted({row.round for row in rows})
    halves = (rounds[::2], rounds[1::2] or rounds)
    chosen, throughput, ttft = [], [], []
    for choosing, comparing in (halves, halves[::-1]):
        best = _best([row for row in rows if row.round in choosing and row.setting not in (ADAPTIVE, CONTROL)])
        chosen.append(best)
        mine, its = (
            [row for row in rows if row.setting == name and row.round in comparing] for name in (setting, best)
        )
        throughput += [a.requests_per_s / b.requests_per_s for a, b in zip(mine, its, strict=True)]
        ttft.append(p99(mine) / p99(its))
    return Regret(rows[0].trace, setting, " / ".join(dict.fromkeys(chosen)), median(throughput), geometric_mean(ttft))


def _best(rows: list[Row]) -> str:
    of = {name: [row for row in rows if row.setting == name] for name in dict.fromkeys(row.setting for row in rows)}
    rate = {name: median(row.requests_per_s for row in mine) for name, mine in of.items()}
    return min((name for name in of if rate[name] >= _AS_GOOD * max(rate.values())), key=lambda name: p99(of[name]))


def p99(rows: list[Row]) -> float:
    """Over all requests of some rounds; SystemExit if they are too few for it."""
    found = percentile([ttft for row in rows for ttft in row.ttft_ms], 99)
    if found is None:
        raise SystemExit("too few requests for a p99: half of the rounds must hold 459 of each trace")
    return found


def table_of(rows: list[Row]) -> list[dict[str, Any]]:
    """What is kept of the rows."""
    cells = dict.fromkeys((row.trace, row.setting) for row in rows)
    of = {cell: [row for row in rows if (row.trace, row.setting) == cell] for cell in cells}
    return [
        {
            "trace": name,
            "setting": setting,
            "rounds": len(mine),
            "requests": sum(len(row.ttft_ms) for row in mine),
            "requests_per_s": round(median(row.requests_per_s for row in mine), 3),
            "ttft_p50_ms": round(median(ttft for row in mine for ttft in row.ttft_ms), 2),
            "ttft_p99_ms": round(p99(mine), 2),
        }
        for (name, setting), mine in of.items()
    ]


def markdown(found: list[Regret]) -> str:
    """The table."""
    lines = [
        "| trace | setting | best fixed setting | throughput | p99 TTFT | within targets |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.trace} | {one.setting} | {one.best} | {one.throughput:.3f} | {one.ttft_p99:.3f} | "
        f"{'yes' if one.within else 'no'} |"
        for one in found
    ]
    return "\n".join(lines) + "\n"
