"""Small result files in the forms of other tools, made by hand: the fields that their writers write, our numbers."""

import json
from pathlib import Path
from typing import Any

START = 1_700_000_000.0  # of the wall clock


def vllm(**changes: Any) -> dict[str, Any]:
    """`vllm bench serve --save-result --save-detailed`: three streams of 3 tokens each, and a request that failed."""
    detailed = {
        "input_lens": [8, 8, 8, 8],
        "output_lens": [3, 3, 3, 0],
        "start_times": [10.0, 10.5, 11.0, 11.5],
        "ttfts": [0.05, 0.06, 0.07, 0.0],
        "itls": [[0.01, 0.01], [0.01, 0.02], [0.01, 0.01], []],
        "latencies": [0.07, 0.09, 0.09, 0.0],
        "queue_times": [0.0, 0.0, 0.25, 0.0],
        "generated_texts": ["a b c"] * 3 + [""],
        "errors": ["", "", "", "Traceback (most recent call last):\nOSError: connection reset"],
    }
    summary = {"median_ttft_ms": 60.0, "median_tpot_ms": 10.0, "p99_ttft_ms": 69.8, "mean_ttft_ms": 60.0}
    traffic = {"request_rate": 2.0, "burstiness": 1.0, "max_concurrency": 2}
    about = {"date": "20260101-120000", "endpoint_type": "openai-chat", "backend": "openai-chat", "model_id": "tiny"}
    rates = {"duration": 2.0, "completed": 3, "failed": 1, "request_throughput": 1.5, "output_throughput": 4.5}
    return about | traffic | rates | detailed | summary | changes


def guidellm_request(due: float, late: float = 0.002, tokens: int = 5, error: str | None = None) -> dict[str, Any]:
    """A request due at `due` seconds, sent `late`, first token after 100 ms, last 40 ms later."""
    sent = START + due + late
    timings = {
        "targeted_start": START + due,
        "queued": START,
        "dequeued": START,
        "scheduled_at": START + due,
        "resolve_start": sent,
        "request_start": sent,
        "first_token_iteration": None if error else sent + 0.1,
        "last_token_iteration": None if error else sent + 0.14,
        "token_iterations": 0 if error else tokens,
        "request_iterations": 0 if error else tokens + 2,
        "request_end": sent + 0.15,
        "resolve_end": sent + 0.15,
        "finalized": sent + 0.16,
    }
    return {
        "request_id": f"request-{due}",
        "info": {"status": "errored" if error else "completed", "timings": timings, "error": error},
        "input_metrics": {"text_tokens": 8, "total_tokens": 8},
        "output_metrics": {"text_tokens": tokens, "total_tokens": tokens},
        "prompt_tokens": 8,
        "output_tokens": None if error else tokens,
    }


def guidellm_benchmark(strategy: dict[str, Any], count: int = 8, **changes: Any) -> dict[str, Any]:
    """Requests every 250 ms; the measured window is from 0.25 s on, so the first one is warm-up."""
    good = [guidellm_request(0.25 * n) for n in range(count)]
    percentiles = {"p50": 100.0, "p90": 100.0}
    return {
        "type_": "generative_benchmark",
        "config": {"strategy": strategy, "sample_requests": None},
        "scheduler_metrics": {"requests_made": {"successful": count}},
        "metrics": {
            "request_totals": {"successful": count, "incomplete": 0, "errored": 0, "total": count},
            "time_to_first_token_ms": {"successful": {"percentiles": percentiles}},
            "inter_token_latency_ms": {"successful": {"percentiles": {"p50": 10.0}}},
        },
        "start_time": START + 0.25,
        "end_time": START + 0.25 * count,
        "requests": {"successful": good, "incomplete": [], "errored": [], "total": None},
    } | changes


def guidellm(*benchmarks: dict[str, Any]) -> dict[str, Any]:
    """benchmarks.json"""
    made = benchmarks or (
        guidellm_benchmark({"type_": "synchronous"}),
        guidellm_benchmark({"type_": "constant", "rate": 4.0, "max_concurrency": None}),
    )
    return {"args": {"target": "http://localhost:8000"}, "benchmarks": list(made)}


def aiperf_record(number: int, phase: str = "profiling", **changes: Any) -> dict[str, Any]:
    """A request sent at `number` * 100 ms: first chunk after 50 ms, two more 10 ms apart."""
    sent = round(START * 1e9) + number * 100_000_000
    return {
        "metadata": {
            "session_num": number,
            "x_request_id": f"id-{number}",
            "credit_issued_ns": sent - 1_000_000,
            "request_start_ns": sent,
            "request_ack_ns": sent + 1_000_000,
            "request_end_ns": sent + 72_000_000,
            "worker_id": "worker_1",
            "record_processor_id": "record_processor_1",
            "benchmark_phase": phase,
            "was_cancelled": False,
        },
        "metrics": {
            "input_sequence_length": {"value": 8, "unit": "tokens"},
            "output_sequence_length": {"value": 3, "unit": "tokens"},
            "time_to_first_token": {"value": 50.0, "unit": "ms"},
            "inter_chunk_latency": {"value": [10.0, 10.0], "unit": "ms"},
            "inter_token_latency": {"value": 11.0, "unit": "ms"},
            "request_latency": {"value": 72.0, "unit": "ms"},
        },
        "error": None,
    } | changes


def aiperf_failure(number: int) -> dict[str, Any]:
    """A record of a request that failed."""
    error = {"code": 500, "type": "InternalServerError", "message": "it broke"}
    return aiperf_record(number) | {"metrics": {"error_isl": {"value": 8, "unit": "tokens"}}, "error": error}


def aiperf_summary() -> dict[str, Any]:
    """profile_export_aiperf.json"""
    latency = {"unit": "ms", "avg": 50.0, "p50": 50.0, "p90": 50.0, "p99": 50.0}
    load = {"request_rate": 10.0, "concurrency": None}
    return {
        "schema_version": "1.0",
        "request_throughput": {"unit": "requests/sec", "avg": 10.0},
        "request_latency": {"unit": "ms", "avg": 72.0, "p50": 72.0},
        "time_to_first_token": latency,
        "inter_token_latency": {"unit": "ms", "avg": 11.0, "p50": 11.0},
        "input_config": {"endpoint": {"model_names": ["tiny"]}, "loadgen": load},
    }


def save(path: Path, content: Any) -> Path:
    """As JSON, or as JSON lines for a list."""
    lines = content if isinstance(content, list) else [content]
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return path
