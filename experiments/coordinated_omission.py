"""A server stalls for two seconds, and who notices.

    python experiments/coordinated_omission.py [--seconds 60] [--vllm]

The golden server does nothing for 2 s in the middle of a constant-rate run; what every request had to wait is computed,
not measured (`vgate.harness.golden.timing`). Each client asks a golden server of its own, all at the same time unless
--apart is given. The servers work on any number of requests, on 8 or on 1 at a time, at 20 and at 100 requests/s; the
work for an answer fills a single place to 60 %. Writes latencies.csv, latencies.md and manifest.json into
results/coordinated_omission/. The last line is JSON; exit code 1 if V-Gate's p50, p90 or p99 is off by more than
2 % and 2 ms anywhere.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omission_clients import (
    LEAD_S,
    PERCENTS,
    Answer,
    Client,
    Said,
    ours,
    percentiles,
    plain_locust,
    send_time,
    vllm_bench,
)
from realtime import add_realtime, be_realtime

from vgate.harness.circumstances import circumstances
from vgate.harness.golden.process import golden
from vgate.harness.golden.timing import Stall, Timing, truth

STALL_S, BUSY = 2.0, 0.6
WITHIN_SHARE, WITHIN_MS = 0.02, 2.0
JUDGED = (50.0, 90.0, 99.0)
CLIENTS = {ours: LEAD_S, send_time: 0.0, plain_locust: 0.0}  # and how long before its window each begins to ask


@dataclass(frozen=True)
class Setup:
    """A server and what it is asked."""

    rate: float
    places: int | None
    seconds: float

    def timing(self, lead_s: float) -> Timing:
        """The stall begins after a third of the window, between two requests."""
        after = lead_s + (round(self.rate * self.seconds / 3) + 0.5) / self.rate
        return Timing(1e3 * BUSY / self.rate, 0.0, self.places, Stall(after, STALL_S))

    def truth(self, late_s: float) -> Said:
        """What requests that come exactly when due have to wait. The server counts from the first, which was late."""
        arrivals = [number / self.rate for number in range(round(self.rate * (LEAD_S + self.seconds)))]
        moments = zip(arrivals, truth(self.timing(LEAD_S + late_s), arrivals, 1), strict=True)
        return percentiles([1e3 * (first - arrival) for arrival, (first, _) in moments if arrival >= LEAD_S])


def main() -> None:
    """All setups, one after the other."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rates", type=float, nargs="+", default=[20.0, 100.0])
    parser.add_argument("--apart", action="store_true", help="one client after the other: three times as long")
    parser.add_argument("--vllm", action="store_true", help="vllm bench serve too (needs vLLM and models/tiny)")
    add_realtime(parser)
    parser.add_argument("--results", type=Path, default=Path("results/coordinated_omission"))
    args = parser.parse_args()
    be_realtime(args)
    clients = CLIENTS | ({vllm_bench: 0.0} if args.vllm else {})
    rows: list[dict[str, Any]] = []
    for setup in (Setup(rate, places, args.seconds) for rate in args.rates for places in (None, 8, 1)):
        with ThreadPoolExecutor(1 if args.apart else len(clients)) as pool:
            found = list(pool.map(lambda client: ask(client, setup, clients[client]), clients))  # noqa: B023 -- awaited
        new = [row for answer in found for row in compare(setup, answer)]
        print(markdown(new), flush=True)
        rows += new
    write(args.results, rows)
    mine = [row for row in rows if row["client"].startswith("V-Gate") and row["percent"] in JUDGED]
    off = [row for row in mine if row["within"] is False]
    print(json.dumps({"setups": 3 * len(args.rates), "off": off}))
    raise SystemExit(1 if off else 0)


def ask(client: Client, setup: Setup, lead_s: float) -> Answer:
    """One client at a server of its own."""
    timing = setup.timing(lead_s)
    assert timing.stall is not None  # each has one
    options = {"ttft_ms": timing.ttft_ms, "places": timing.places, "stall_s": STALL_S}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with golden(folder / "golden.log", stall_after_s=timing.stall.after_s, **options) as server:
            return client(server, setup.rate, setup.seconds, folder)


def compare(setup: Setup, answer: Answer) -> list[dict[str, Any]]:
    """A line for each name and percentile."""
    true = setup.truth(answer.late_s)
    return [
        {
            "rate": setup.rate,
            "places": setup.places or "all",
            "client": client,
            "percent": percent,
            "said_ms": said[percent],
            "true_ms": true[percent],
            "within": within(said[percent], true[percent]),
        }
        for client, said in answer.said.items()
        for percent in PERCENTS
    ]


def within(said: float | None, true: float | None) -> bool | None:
    """Whether a percentile is right; None where it was refused, or there is no truth about it."""
    if said is None or true is None:
        return None
    return abs(said - true) <= max(WITHIN_MS, WITHIN_SHARE * true)


def write(folder: Path, rows: list[dict[str, Any]]) -> None:
    """The latencies and the circumstances."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "latencies.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (folder / "latencies.md").write_text(markdown(rows), encoding="utf-8")
    manifest = circumstances(sys.argv[1:], [], sys.argv[0])
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def markdown(rows: list[dict[str, Any]]) -> str:
    """A line for each setup and client: said / true in ms, wrong ones in bold."""
    heads = " | ".join(f"p{percent:g}" for percent in PERCENTS)
    lines = [f"| requests/s | places | client | {heads} |", f"|---|---|---|{'---|' * len(PERCENTS)}"]
    for begin in range(0, len(rows), len(PERCENTS)):
        row = rows[begin]
        cells = " | ".join(map(_cell, rows[begin : begin + len(PERCENTS)]))
        lines.append(f"| {row['rate']:g} | {row['places']} | {row['client']} | {cells} |")
    return "\n".join(lines) + "\n"


def _cell(row: dict[str, Any]) -> str:
    if row["said_ms"] is None or row["true_ms"] is None:
        return "n too small"
    text = f"{row['said_ms']:.1f} / {row['true_ms']:.1f}"
    return text if row["within"] else f"**{text}**"


if __name__ == "__main__":
    main()
