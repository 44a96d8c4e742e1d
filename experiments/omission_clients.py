"""Clients that ask a server at a constant rate, and the latencies that each reports.

Every one asks for answers of one token, `rate` times a second for `seconds`. Only V-Gate's counts from the moment at
which a request was due. The others bound their requests in flight, as they do by default or are mostly used: a request
that finds them busy is sent late, or never, and nobody hears of its wait.
"""

from __future__ import annotations

import csv
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from check_against_vllm_bench import TOKENIZER, VllmBench

from vgate.harness import records
from vgate.harness.driving import LoadDriver
from vgate.harness.exchange import read
from vgate.harness.golden.process import GoldenServer
from vgate.harness.layout import RAW
from vgate.harness.metrics.e2e import e2e_ms
from vgate.harness.metrics.percentile import percentile
from vgate.harness.metrics.select import in_window
from vgate.harness.metrics.ttft import ttft_ms
from vgate.harness.plan import Plan

PERCENTS = (50.0, 90.0, 99.0, 99.9)
CAP = 8  # requests in flight of the clients that bound them
LEAD_S = 1.0  # our own client's warm-up
BODY = {"model": "golden", "messages": [{"role": "user", "content": "now"}], "max_tokens": 1}
LOCUSTFILE = Path(__file__).with_name("plain_locustfile.py")
Said = dict[float, float | None]  # percent -> ms; None where there are too few requests for that percentile


@dataclass(frozen=True)
class Answer:
    """What a client says under each of its names, and by how much its first request came late, in seconds, if known."""

    said: dict[str, Said]
    late_s: float = 0.0


Client = Callable[[GoldenServer, float, float, Path], Answer]


def ours(server: GoldenServer, rate: float, seconds: float, folder: Path) -> Answer:
    """V-Gate's driver, from the intended time: TTFT and E2E."""
    driver = LoadDriver(folder / "driver.log")
    plan = Plan(
        base_url=server.url,
        model="golden",
        load={"_target_": "vgate.load.constant.Constant", "rate": rate},
        workload=workload(1),
        seed=0,
        warmup_s=LEAD_S,
        duration_s=seconds,
        drain_s=60.0,
        tag="omission",
        out=str(folder),
    )
    try:
        outcome = driver.drive(plan, None, lambda: None)
    finally:
        driver.stop()
    rows = records.rows_from(read(folder / RAW), outcome)
    late = min(account["received"] for account in server.stamps().values()) - rows["t_int"].min()
    due = in_window(rows)
    said = {"V-Gate, TTFT": percentiles(list(ttft_ms(due))), "V-Gate, E2E": percentiles(list(e2e_ms(due)))}
    return Answer(said, late / 1e9)


def send_time(server: GoldenServer, rate: float, seconds: float, _folder: Path) -> Answer:
    """CAP threads, each sending the next request when it is due, or late, and counting from the send."""
    url, numbers, took = urlsplit(server.url), count(), []
    start = time.monotonic() + 0.2

    def work() -> None:
        connection = http.client.HTTPConnection(url.hostname or "", url.port)
        for due in _mine(numbers, start, rate, seconds):
            time.sleep(max(0.0, due - time.monotonic()))
            sent = time.monotonic()
            connection.request("POST", "/v1/chat/completions", json.dumps(BODY))
            connection.getresponse().read()
            took.append(1e3 * (time.monotonic() - sent))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(CAP)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Answer({f"from the send, {CAP} in flight": percentiles(took)})


def plain_locust(server: GoldenServer, rate: float, seconds: float, folder: Path) -> Answer:
    """CAP users of Locust, each with constant_throughput; the percentiles that Locust writes."""
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary", "-u", str(CAP)]
    command += ["-r", str(rate), "-t", f"{seconds:g}s", "--host", server.url, "--csv", str(folder / "locust")]
    environment = {**os.environ, "RATE": str(rate), "USERS": str(CAP)}
    subprocess.run(command, env=environment, capture_output=True, check=True)
    with (folder / "locust_stats.csv").open(encoding="utf-8") as file:
        (total,) = [row for row in csv.DictReader(file) if row["Name"] == "Aggregated"]
    said = {percent: None if (ms := total[f"{percent:g}%"]) == "N/A" else float(ms) for percent in PERCENTS}
    return Answer({f"Locust, {CAP} users": said})


def vllm_bench(server: GoldenServer, rate: float, seconds: float, folder: Path) -> Answer:
    """`vllm bench serve` with --max-concurrency CAP and gaps that are all but equal: its E2EL."""
    requests = round(rate * seconds)
    prompts = folder / "prompts.jsonl"
    prompts.write_text("\n".join(json.dumps({"prompt": f"{n} now"}) for n in range(requests)), encoding="utf-8")
    options = {
        "backend": "openai-chat",
        "base-url": server.url,
        "endpoint": "/v1/chat/completions",
        "model": "golden",
        "tokenizer": TOKENIZER,
        "dataset-name": "custom",
        "dataset-path": prompts,
        "custom-output-len": 1,
        "num-prompts": requests,
        "max-concurrency": CAP,
        "request-rate": rate,
        "burstiness": 1e6,
        "percentile-metrics": "ttft,e2el",
        "metric-percentiles": ",".join(f"{percent:g}" for percent in PERCENTS),
        "result-dir": folder,
        "result-filename": "vllm.json",
    }
    flags = ["--skip-chat-template", "--ignore-eos", "--disable-tqdm", "--save-result"]
    vllm = VllmBench(folder / "vllm.log")
    try:
        vllm.run([word for name, value in options.items() for word in (f"--{name}", str(value))] + flags)
    finally:
        vllm.stop()
    told = json.loads((folder / "vllm.json").read_text(encoding="utf-8"))
    said = {percent: told[f"p{percent:g}_e2el_ms"] for percent in PERCENTS}
    return Answer({f"vllm bench serve, {CAP} in flight": said})


def percentiles(values: list[float]) -> Said:
    """By nearest rank; refused where there are too few."""
    return {percent: percentile(values, percent) for percent in PERCENTS}


def workload(tokens: int) -> dict[str, object]:
    """Streams of so many tokens."""
    return {
        "_target_": "vgate.workload.synthetic.Synthetic",
        "prompt_tokens": 8,
        "output_tokens": tokens,
        "tokenizer": None,
        "stream": True,
        "temperature": 0.0,
        "ignore_eos": True,
        "usage_per_chunk": False,
    }


def _mine(numbers: Iterator[int], start: float, rate: float, seconds: float) -> Iterator[float]:
    """When the requests are due that this thread takes: always the next that nobody has taken."""
    for number in numbers:
        if number >= rate * seconds:
            return
        yield start + number / rate
