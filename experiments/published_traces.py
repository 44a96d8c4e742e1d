"""What is in recorded traces, as `load=trace` and `workload=trace` read them, and what they cost the load driver.

    python experiments/published_traces.py FILE... [--rows 100000]

For each file: requests, length, rate, mean tokens, how many prompts begin as an earlier one did, the time to read it,
and the time and bytes of a body, mean over the first 200. The last line is JSON.
"""

import argparse
import json
import time
from pathlib import Path
from statistics import fmean
from typing import Any

from vgate.build import build_workload
from vgate.config import compose
from vgate.load.recorded import Recorded, read_trace
from vgate.load.trace import Trace
from vgate.workload.base import Slot

BODIES = 200


def main() -> None:
    """A line for each file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    found = [about(file, options.rows) for file in options.files]
    for one in found:
        print("  ".join(f"{name} {value}" for name, value in one.items()))
    print(json.dumps(found))


def about(file: str, rows: int) -> dict[str, Any]:
    """The numbers of one file."""
    begin = time.process_time()
    read = read_trace(file, 0.0, rows)
    seconds = time.process_time() - begin
    load = Trace(file, 1.0, 0.0, rows)
    return {
        "file": Path(file).name,
        "requests": len(read),
        "length_s": round(load.length_s or 0.0, 1),
        "rate_per_s": round(load.offered_rate or 0.0, 3),
        "prompt_tokens": round(fmean(row.prompt_tokens for row in read), 1),
        "output_tokens": round(fmean(row.output_tokens for row in read), 1),
        "shared": round(shared(read), 3),
        "read_s": round(seconds, 2),
        **bodies(file, rows),
    }


def shared(rows: tuple[Recorded, ...]) -> float:
    """The share of prompts whose first two blocks an earlier prompt had too: all begin with one and the same block."""
    seen: set[tuple[int, ...]] = set()
    again = 0
    for row in rows:
        beginning = row.blocks[:2]
        again += len(beginning) == 2 and beginning in seen
        seen.add(beginning)
    return again / len(rows)


def bodies(file: str, rows: int) -> dict[str, float]:
    """What a body takes to make, in microseconds of CPU, and its bytes."""
    section = compose("bench", ["workload=trace", f"workload.path={file}", f"workload.max_rows={rows}"], {}).container
    workload = build_workload(section["workload"])
    begin = time.process_time()
    made = [len(workload.body(0, Slot(None, number), "model")) for number in range(BODIES)]
    return {"body_us": round((time.process_time() - begin) / BODIES * 1e6), "body_bytes": round(fmean(made))}


if __name__ == "__main__":
    main()
