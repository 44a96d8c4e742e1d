"""Where stalls of half a second come from: Python's search for garbage in a server that has loaded torch.

The same bursts against two servers on tiny vLLM, one after the other: as V-Gate is, with what vLLM has loaded left out
of later searches (`gc.freeze`), and with `gc.freeze` doing nothing. For each window: the longest TTFT, and which
searches of 50 ms or more the server's process made in it.

    python experiments/garbage_stalls.py

Writes windows.csv and manifest.json into ``results/garbage_stalls/``. The last line of output is one JSON document.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from adaptive_regret import COMMON, Real
from servers import environment, free_port, running, vgate_command
from traces import trace

from vgate.config import get_config
from vgate.harness.circumstances import circumstances

HOOK = Path(__file__).parent / "hooks"
KINDS = {"all objects": {"COLLECTIONS_ALL": "1"}, "as V-Gate is": {}}


def windows(kind: str, options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """One server, one row for each window of bursts."""
    config, log = get_config("+preset=cpu", *COMMON), folder / "collections"
    port, admin = free_port(), str(folder / "admin")
    hooked = {"PYTHONPATH": str(HOOK), "COLLECTIONS_LOG": str(log), **KINDS[kind]}
    command = [*vgate_command(port, [COMMON[-1]]), "--admin-socket", admin]
    with running("vgate", command, port, environment(config) | hooked, "/ready") as server:
        real = Real(port, admin)
        real.measure(["batch=passthrough"], trace("poisson", options.rate, 3.0, -1), 0)
        rows = []
        for number in range(options.windows):
            began = time.monotonic()
            timings = real.measure(["batch=passthrough"], trace("burst", options.rate, options.seconds, number), number)
            most = max(first - due for due, first, _ in timings)
            searches = _searches(log, server.process.pid, began)
            rows.append({"kind": kind, "window": number, "longest_ttft_ms": round(1e3 * most), "searches_ms": searches})
            print(rows[-1], flush=True)
        return rows


def _searches(log: Path, pid: int, began: float) -> list[int]:
    """How long those took that ended since, ms."""
    lines = [line.split() for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    return [int(took) for ended, process, _, took in lines if int(process) == pid and float(ended) >= began]


def main() -> None:
    """Measure both, write, conclude."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each window")
    parser.add_argument("--rate", type=float, default=40.0, help="requests per second, all of a second's within 20 ms")
    parser.add_argument("--results", type=Path, default=Path("results/garbage_stalls"))
    options = parser.parse_args()
    rows = []
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            rows += windows(kind, options, Path(folder))
    options.results.mkdir(parents=True, exist_ok=True)
    with (options.results / "windows.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    manifest = circumstances(sys.argv[1:], [], sys.argv[0])
    (options.results / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    longest = {kind: [row["longest_ttft_ms"] for row in rows if row["kind"] == kind] for kind in KINDS}
    print(json.dumps({"longest_ttft_ms": longest}))


if __name__ == "__main__":
    main()
