"""What vLLM's prefix cache makes of each workload: whether they share what they say, and no more.

    python experiments/prefix_hits.py [--seconds 15] [--results results/prefix_hits]

Every workload in a closed loop of four users on real vLLM with the tiny model, one engine start, a seed of its own for
each so that they share nothing with each other. For each: the share of prompt tokens that vLLM found in its cache
(its own counters), and the share that a cache that forgets nothing finds in the requests that were sent, one after the
other, in whole blocks of vLLM's size. The last line is JSON.
"""

import argparse
import json
import re
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vgate.build import build_workload
from vgate.config import compose
from vgate.harness.circumstances import circumstances
from vgate.harness.driving import LoadDriver
from vgate.harness.exchange import Exchange, read
from vgate.harness.files import write_json
from vgate.harness.layout import RAW
from vgate.harness.plan import Plan
from vgate.harness.prometheus_text import total
from vgate.harness.server import Server
from vgate.workload.base import Question, Slot

COMMON = [
    "+preset=cpu",
    "batch=passthrough",
    "cache=none",
    "dedup=none",
    "load.users=4",
    "workload.tokenizer=models/tiny",
    "model.enable_prefix_caching=true",  # off by default on the CPU
]
SETTINGS = {
    "synthetic": ["workload.prompt_tokens=512"],
    "zipf": ["workload.prompt_tokens=512", "workload.pool=50"],
    "shared_prefix": ["workload.prefix_tokens=512", "workload.prompt_tokens=64"],
    "multi_turn": ["workload.prompt_tokens=250", "workload.output_tokens=16", "workload.turns=4"],
    "trace": ["workload.path=loadtests/samples/mooncake.jsonl", "workload.prompt_scale=0.4"],
}
HITS, QUERIES = "vllm:prefix_cache_hits_total", "vllm:prefix_cache_queries_total"


def main() -> None:
    """Measure each, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--results", type=Path, default=Path("results/prefix_hits"))
    options = parser.parse_args()
    manifest = circumstances(sys.argv[1:], [], sys.argv[0])
    containers = {
        name: compose("bench", [*COMMON, f"workload={name}", *more], {}).container for name, more in SETTINGS.items()
    }
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        driver, server = (
            LoadDriver(Path(folder, "driver.log")),
            Server(containers["synthetic"], Path(folder, "server.log")),
        )
        for part in (driver, server):
            stack.callback(part.stop)
        server.start()
        on = Measuring(server, driver, Path(folder), options.seconds)
        rows = [on.measure(name, container, seed) for seed, (name, container) in enumerate(containers.items())]
    options.results.mkdir(parents=True, exist_ok=True)
    write_json(options.results / "manifest.json", manifest | {"rows": rows})
    print(json.dumps(rows))


@dataclass
class Measuring:
    """One server for all workloads."""

    server: Server
    driver: LoadDriver
    folder: Path
    seconds: float

    def measure(self, name: str, container: dict[str, Any], seed: int) -> dict[str, Any]:
        """Drive one workload."""
        out = self.folder / name
        out.mkdir()
        plan = Plan(
            base_url=self.server.base_url,
            model=self.server.model(),
            load=container["load"],
            workload=container["workload"],
            seed=seed,
            warmup_s=0.0,
            duration_s=self.seconds,
            drain_s=60.0,
            tag=name,
            out=str(out),
        )
        before = self.server.metrics()
        self.driver.drive(plan, None, self.server.check)
        after = self.server.metrics()
        found, asked = (total(after, metric) - total(before, metric) for metric in (HITS, QUERIES))
        (block,) = set(re.findall(r'vllm:cache_config_info\{[^}]*block_size="(\d+)"', after))
        sent = [exchange for exchange in read(out / RAW) if exchange.t_send is not None]
        row = {"workload": name, "requests": len(sent), "block": int(block), "vllm": round(found / asked, 4)}
        row |= {"unlimited": expected(plan, sent, int(block))}
        print(json.dumps(row), flush=True)
        return row


def expected(plan: Plan, sent: list[Exchange], block: int) -> float:
    """The share of prompt tokens in whole blocks with which an earlier prompt began too."""
    workload = build_workload(plan.workload)
    known: set[int] = set()
    found = asked = 0
    for exchange in sorted(sent, key=lambda exchange: exchange.t_send or 0):
        user, number = exchange.name.removeprefix("user").split(".")
        tokens = rendered(workload.question(plan.seed, Slot(int(user), int(number))))
        # At least one token of a prompt is always computed.
        prefixes = [hash(tuple(tokens[:end])) for end in range(block, len(tokens), block)]
        found += block * next((n for n, prefix in enumerate(prefixes) if prefix not in known), len(prefixes))
        asked += len(tokens)
        known.update(hash(tuple(tokens[:end])) for end in range(block, len(tokens) + 1, block))
    return round(found / asked, 4)


def rendered(question: Question) -> list[str]:
    """A prompt with a stand-in for each token of the chat template: 24 around a single question."""
    tokens = ["<system>"] * 16
    for message in question.messages:
        tokens += [f"<{message['role']}>"] * 3 + message["content"].split() + ["<end>"] * 2
    return [*tokens, *["<assistant>"] * 3]


if __name__ == "__main__":
    main()
