"""AIPerf's profile_export.jsonl: one record per request, and profile_export_aiperf.json, its summary.

Its stamps are nanoseconds of the wall clock. `request_start_ns` is that of the send; `credit_issued_ns`, where there is
one, is when its rate limiter let the request go, which a full client delays: when the schedule wanted it sent is not
known, so there is no headline TTFT.
"""

import json
from pathlib import Path
from typing import Any

from vgate.harness.imports.base import FROM_INTENDED, Benchmark, Imported, ImportFailed, Row, Said, counts, stamps

TOOL = "AIPerf"
RECORDS, SUMMARY = "profile_export.jsonl", "profile_export_aiperf.json"
WORDS = [
    ("time to first token (TTFT)", "TTFT service: from the send"),
    ("inter-token latency (ITL)", "TPOT: a mean per request, not a gap between tokens"),
    ("inter-chunk latency (ICL)", "ICL"),
    ("request latency", "E2E service: from the send"),
]
SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "sec": 1.0, "s": 1.0}
SAID = {"time_to_first_token": "ttft_service_ms", "inter_token_latency": "tpot_ms"}
Metrics = dict[str, dict[str, Any]]


def recognised(text: str) -> bool:
    """Whether a file's text is one of these, the summary included."""
    begin = text.lstrip()[:20_000]
    return '"request_start_ns"' in begin or ('"request_throughput"' in begin and '"request_latency"' in begin)


def read(text: str, path: Path) -> Imported:
    """From either file; the other is looked for beside it. The records must be there. Raises ImportFailed."""
    if '"request_start_ns"' not in text[:20_000]:
        if not path.with_name(RECORDS).exists():
            raise ImportFailed(f"it is a summary, from which nothing can be computed; {RECORDS} is not beside it")
        text = path.with_name(RECORDS).read_text(encoding="utf-8")
    beside = path.with_name(SUMMARY)
    summary = json.loads(beside.read_text(encoding="utf-8")) if beside.exists() else {}
    records = [json.loads(line) for line in text.splitlines() if line.strip()]
    rows = [_row(record) for record in records]
    measured = [row for row in rows if row["phase"] == "window"]
    if not measured:
        raise ImportFailed("it holds no request of the profiling phase")
    moments = [row[name] for row in measured for name in ("t_send", "t_end") if row[name] is not None]
    window = min(moments), max(moments) + 1  # a window's end is no part of it, and the last answer is
    axes = _axes(summary)
    benchmark = Benchmark(axes, {"tool": TOOL, **axes}, rows, window, FROM_INTENDED, _notes(records), _said(summary))
    return Imported(TOOL, [benchmark], WORDS)


def _row(record: dict[str, Any]) -> Row:
    about, metrics, error = record["metadata"], record.get("metrics") or {}, record.get("error")
    sent, ttft = about["request_start_ns"], _seconds(metrics, "time_to_first_token")
    tokens = _value(metrics, "usage_completion_tokens") or _value(metrics, "output_sequence_length")
    gaps = _gaps(metrics)
    come = stamps(sent + round(ttft * 1e9), gaps) if ttft is not None else []
    return {
        "request_id": about.get("x_request_id"),
        "phase": "window" if about["benchmark_phase"] == "profiling" else "warmup",
        "t_send": sent,
        "t_tok": come,
        "n_tok": counts(come, tokens),
        "t_end": about["request_end_ns"],
        "status": error.get("code") if error else 200,
        "error": f"{error.get('type')}: {error['message']}" if error else None,
        "prompt_tokens": _value(metrics, "input_sequence_length"),
        "completion_tokens": tokens,
        "client_tokens": len(come),
    }


def _value(metrics: Metrics, name: str) -> Any:
    return metrics[name]["value"] if name in metrics else None


def _seconds(metrics: Metrics, name: str) -> float | None:
    return metrics[name]["value"] * SECONDS[metrics[name]["unit"]] if name in metrics else None


def _gaps(metrics: Metrics) -> list[float]:
    found = metrics.get("inter_chunk_latency")
    return [gap * SECONDS[found["unit"]] for gap in found["value"]] if found else []


def _axes(summary: dict[str, Any]) -> dict[str, str]:
    """What the summary says of the load; nothing without one."""
    load = (summary.get("input_config") or {}).get("loadgen") or {}
    return {name: str(load[name]) for name in ("request_rate", "concurrency") if load.get(name) is not None}


def _notes(records: list[dict[str, Any]]) -> list[str]:
    own = sum("usage_completion_tokens" in (record.get("metrics") or {}) for record in records)
    if own == len(records):
        return []
    return ["Output tokens are counted by its own tokeniser where the server's usage is not in the file."]


def _said(summary: dict[str, Any]) -> list[Said]:
    found = [(word, ours, percent) for word, ours in SAID.items() for percent in ("p50", "p90", "p99")]
    return [
        Said(f"{word} {percent}", f"{ours}_{percent}", summary[word][percent])
        for word, ours, percent in found
        if (summary.get(word) or {}).get(percent) is not None
    ]
