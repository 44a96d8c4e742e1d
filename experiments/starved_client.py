"""Whether a load driver that does not get its core is found out, and one that does is left alone.

    python experiments/starved_client.py [--runs 20] [--seconds 4]

The driver is pinned to one core, the golden server to another. In every other run a process that wants all of a core
spins on the driver's. 300 requests/s x 16 tokens, TTFT 50 ms; the rules of `vgate.harness.validity` judge each run.
Writes runs.csv and manifest.json into results/starved_client/. The last line is JSON; exit code 1 unless all starved
runs are INVALID because of the driver and no clean one is INVALID at all. Needs two cores and nothing else on them;
--nice gives driver, server and spinner nice -20, so that on a shared machine other work hardly counts.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vgate.harness import records
from vgate.harness.certificate import golden_plan
from vgate.harness.circumstances import circumstances
from vgate.harness.driving import LoadDriver
from vgate.harness.evidence import Evidence
from vgate.harness.exchange import read
from vgate.harness.golden.process import GoldenServer, golden
from vgate.harness.layout import RAW
from vgate.harness.metrics.lag import dispatch_lag_ms
from vgate.harness.metrics.percentile import percentile
from vgate.harness.metrics.rates import Window
from vgate.harness.metrics.select import in_window
from vgate.harness.validity import reasons


def main() -> None:
    """Starved and clean runs in turn."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--runs", type=int, default=20, help="of each kind")
    parser.add_argument("--seconds", type=float, default=4.0, help="window of each run")
    parser.add_argument("--results", type=Path, default=Path("results/starved_client"))
    parser.add_argument("--nice", action="store_true", help="run all parts at nice -20 (needs the right to)")
    args = parser.parse_args()
    rows = list(measure(args.runs, args.seconds, args.nice))
    write(args.results, rows)
    flagged = {kind: sum(bool(row["invalid"]) for row in rows if row["kind"] == kind) for kind in ("starved", "clean")}
    print(json.dumps({"runs": args.runs, "flagged": flagged}))
    raise SystemExit(0 if flagged == {"starved": args.runs, "clean": 0} else 1)


@dataclass
class Bench:
    """The parts that all runs share, and the driver's core."""

    driver: LoadDriver
    server: GoldenServer
    folder: Path
    core: int

    def run(self, number: int, seconds: float, starved: bool) -> dict[str, Any]:
        """One run's figures and why it is INVALID."""
        load = os.getloadavg()[0]
        out = self.folder / f"{number}"
        plan = golden_plan(self.server, out, seconds)
        before = self.server.tokens()
        with spinning(self.core, starved):
            outcome = self.driver.drive(plan, None, lambda: None)
        rows = records.rows_from(read(out / RAW), outcome)
        window = Window(outcome.window_start, outcome.window_end)
        tokens = self.server.tokens() - before
        shares = {"cpu_share": outcome.cpu_share, "wait_share": outcome.wait_share}
        seen = Evidence(rows, window, generated=tokens, load=plan.load, **shares)
        return {
            "kind": "starved" if starved else "clean",
            "lag_ms_p99": percentile(dispatch_lag_ms(in_window(rows)), 99),
            "cpu_share": outcome.cpu_share,
            "wait_share": outcome.wait_share,
            "load_1min": round(load, 2),
            "invalid": "; ".join(reasons(seen)),
        }


def measure(runs: int, seconds: float, nice: bool) -> Iterator[dict[str, Any]]:
    """Each run's figures; the first, which warms up, is thrown away."""
    first, *others = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name, golden(Path(name, "golden.log"), ttft_ms=50, itl_ms=10) as server:
        driver = LoadDriver(Path(name, "driver.log"))
        driver.start()
        try:
            if nice:
                favour(os.getpid(), driver.pids[0], server.pid)
            os.sched_setaffinity(driver.pids[0], {first})
            os.sched_setaffinity(server.pid, set(others) or {first})
            bench = Bench(driver, server, Path(name), first)
            bench.run(0, 1.0, starved=False)
            for number in range(1, 2 * runs + 1):
                row = bench.run(number, seconds, starved=number % 2 == 1)
                print(json.dumps(row), flush=True)
                yield row
        finally:
            driver.stop()


def favour(*pids: int) -> None:
    """Nice -20 for these processes and what they start, and for the sessions that Linux shares cores out among."""
    for pid in pids:
        os.setpriority(os.PRIO_PROCESS, pid, -20)
        if (group := Path(f"/proc/{pid}/autogroup")).exists():
            group.write_text("-20", encoding="ascii")


@contextmanager
def spinning(core: int, really: bool) -> Iterator[None]:
    """A process that wants all of a core, if `really`."""
    if not really:
        yield
        return
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    os.sched_setaffinity(process.pid, {core})
    try:
        yield
    finally:
        process.kill()
        process.wait()


def write(folder: Path, rows: list[dict[str, Any]]) -> None:
    """The runs and the circumstances."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "runs.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    manifest = circumstances(sys.argv[1:], [], sys.argv[0])
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
