"""How late is the load driver, and does it miscount? Its certificate, several times over.

    python experiments/certificate.py [--runs 5] [--seconds 10] [--drivers 1]

Each run is what `vgate.bench` does before a sweep, with a longer window: 300 requests/s x 16 tokens against the golden
server, whose own stamps are the truth. Compared with the targets are the medians over the runs. Writes runs.csv,
certificate.md and manifest.json into results/certificate/. The last line is JSON; exit code 1 if a target is missed.

The machine's load counts: with other work on it, this measures the other work. Each run's load average is in the table;
--realtime takes the other work out.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import median

from realtime import add_realtime, be_realtime

from vgate.harness.certificate import Certificate, certify
from vgate.harness.circumstances import circumstances
from vgate.harness.driving import LoadDriver

# Figure of the certificate -> the most that its median may be.
TARGETS = {"lag_ms_p50": 0.2, "lag_ms_p99": 1.0, "stamp_ms_p99": 1.5, "token_errors": 0}
SHOWN = (*TARGETS, "lag_ms_max", "stamp_ms_p50", "stamp_ms_max", "cpu_share", "wait_share", "load_1min")


def main() -> None:
    """Measure, write, conclude."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0, help="window of each run")
    parser.add_argument("--drivers", type=int, default=1, help="driver processes that share the load")
    add_realtime(parser)
    parser.add_argument("--results", type=Path, default=Path("results/certificate"))
    args = parser.parse_args()
    be_realtime(args)
    certificates = list(measure(args.runs, args.seconds, args.drivers))
    medians = {name: median(getattr(each, name) for each in certificates) for name in SHOWN}
    missed = [name for name, most in TARGETS.items() if not medians[name] <= most]
    write(args.results, certificates, medians)
    print(json.dumps({"runs": args.runs, "medians": medians, "missed": missed}))
    raise SystemExit(1 if missed else 0)


def measure(runs: int, seconds: float, drivers: int) -> list[Certificate]:
    """The certificates of so many runs of one driver; the first, which warms it up, is thrown away."""
    certificates = []
    with tempfile.TemporaryDirectory() as name:
        driver = LoadDriver(Path(name, "driver.log"))
        try:
            for number in range(runs + 1):
                folder = Path(name, str(number))
                folder.mkdir()
                found = certify(driver, folder, lambda: None, drivers, seconds if number else 2.0)
                print(f"{'run ' + str(number) if number else 'warm-up'}: {found.words}", flush=True)
                certificates.append(found)
        finally:
            driver.stop()
    return certificates[1:]


def write(folder: Path, certificates: list[Certificate], medians: dict[str, float]) -> None:
    """The runs, their medians beside the targets, and the circumstances."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "runs.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [asdict(certificate) for certificate in certificates]
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (folder / "certificate.md").write_text(markdown(certificates, medians), encoding="utf-8")
    manifest = circumstances(sys.argv[1:], [], sys.argv[0])
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def markdown(certificates: list[Certificate], medians: dict[str, float]) -> str:
    """A table: a line for each figure, its runs, their median, and the target."""
    lines = [
        f"| figure | {' | '.join(f'run {number + 1}' for number in range(len(certificates)))} | median | at most |",
        f"|---|{'---|' * len(certificates)}---|---|",
    ]
    for name in SHOWN:
        values = " | ".join(f"{getattr(each, name):g}" for each in certificates)
        lines.append(f"| {name} | {values} | {medians[name]:g} | {TARGETS.get(name, '')} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
