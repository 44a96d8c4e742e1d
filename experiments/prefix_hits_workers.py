"""What two workers' prefix caches find: requests by turns, or each to where its beginning is known.

    python experiments/prefix_hits_workers.py [--seconds 20] [--results results/prefix_hits_workers]

Two servers with real vLLM and the tiny model, and a gateway before them with each routing in turn; a closed loop of
four users, with a seed of its own for each measurement so that they share nothing. For each: the share of prompt tokens
that the two vLLMs found in their caches (their own counters, together), and the share that one cache that forgets
nothing would have found in the same requests, which nobody can exceed. The last line is JSON.
"""

import argparse
import json
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from prefix_hits import COMMON, HITS, QUERIES, expected

from vgate.config import compose
from vgate.harness.circumstances import circumstances
from vgate.harness.driving import LoadDriver
from vgate.harness.exchange import read
from vgate.harness.files import write_json
from vgate.harness.layout import RAW
from vgate.harness.plan import Plan
from vgate.harness.prometheus_text import total
from vgate.harness.server import Server

WORKERS = 2
ROUTINGS = ("round_robin", "prefix_affinity")
# Each beginning is asked for a few times only: who computes it at every worker pays for that.
SETTINGS = {
    "shared_prefix": ["workload.groups=100", "workload.prefix_tokens=512", "workload.prompt_tokens=32"],
    "multi_turn": ["workload.turns=6", "workload.prompt_tokens=80"],
}
SHORT = ["workload.output_tokens=16"]


def main() -> None:
    """Measure each, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--workloads", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    parser.add_argument("--results", type=Path, default=Path("results/prefix_hits_workers"))
    options = parser.parse_args()
    manifest = circumstances(sys.argv[1:], [], sys.argv[0])
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        # A server ends with the thread that has started it, so the threads stay.
        threads = stack.enter_context(ThreadPoolExecutor(WORKERS))
        workers = [Server(of("synthetic"), Path(folder, f"worker{number}.log")) for number in range(WORKERS)]
        driver = LoadDriver(Path(folder, "driver.log"))
        for part in (driver, *workers):
            stack.callback(part.stop)
        list(threads.map(lambda worker: worker.start(), workers))
        arms = [(workload, routing) for workload in options.workloads for routing in ROUTINGS]
        rows = []
        for seed, arm in enumerate(arms):
            rows.append(measured(workers, driver, Path(folder, f"arm{seed}"), arm, seed, options.seconds))
            print(json.dumps(rows[-1]), flush=True)
    options.results.mkdir(parents=True, exist_ok=True)
    write_json(options.results / "manifest.json", manifest | {"rows": rows})
    print(json.dumps(rows))


def of(workload: str, *more: str) -> dict[str, Any]:
    """The configuration of a worker, with a workload."""
    return compose("bench", [*COMMON, f"workload={workload}", *more], {}).container


def gateway(workers: list[Server], workload: str, routing: str) -> dict[str, Any]:
    """The same behind a gateway."""
    urls = ",".join(f"'{worker.base_url}'" for worker in workers)
    upstream = ["engine=upstream", f"engine.workers=[{urls}]", f"routing={routing}"]
    return of(workload, *SETTINGS[workload], *SHORT, *upstream)


def measured(
    workers: list[Server], driver: LoadDriver, folder: Path, arm: tuple[str, str], seed: int, seconds: float
) -> dict[str, Any]:
    """One workload by one routing."""
    workload, routing = arm
    folder.mkdir()
    container = gateway(workers, workload, routing)
    front = Server(container, folder / "gateway.log")
    try:
        front.start()
        plan = Plan(
            base_url=front.base_url,
            model=front.model(),
            load=container["load"],
            workload=container["workload"],
            seed=seed,
            warmup_s=0.0,
            duration_s=seconds,
            drain_s=60.0,
            tag=routing,
            out=str(folder),
        )
        before = counted(workers)
        driver.drive(plan, None, front.check)
        found, asked = (after - was for after, was in zip(counted(workers), before, strict=True))
    finally:
        front.stop()
    sent = [exchange for exchange in read(folder / RAW) if exchange.t_send is not None]
    best = expected(plan, sent, block_of(workers[0]))
    row = {"workload": workload, "routing": routing, "requests": len(sent), "vllm": round(found / asked, 4)}
    return row | {"one_cache": best}


def counted(workers: list[Server]) -> tuple[float, float]:
    """Prompt tokens that all of them have found in their caches, and have looked for."""
    texts = [worker.metrics() for worker in workers]
    found, asked = (sum(total(text, metric) for text in texts) for metric in (HITS, QUERIES))
    return found, asked


def block_of(worker: Server) -> int:
    """Tokens in a block of its cache."""
    (block,) = set(re.findall(r'vllm:cache_config_info\{[^}]*block_size="(\d+)"', worker.metrics()))
    return int(block)


if __name__ == "__main__":
    main()
