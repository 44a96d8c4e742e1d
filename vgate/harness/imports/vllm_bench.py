"""Result files of `vllm bench serve --save-result --save-detailed`.

Its stamps are seconds of `time.perf_counter`, which is CLOCK_MONOTONIC on Linux. A request's `start_time` is that of
its send; when the schedule wanted it sent is not in the file, so there is no headline TTFT.
"""

import json
from typing import Any

from vgate.harness.imports.base import (
    FROM_INTENDED,
    Benchmark,
    Imported,
    ImportFailed,
    Row,
    Said,
    counts,
    nanoseconds,
    stamps,
)

TOOL = "vllm bench serve"
LISTS = ("start_times", "ttfts", "itls", "latencies", "input_lens", "output_lens", "errors")
WORDS = [
    ("TTFT", "TTFT service: from the send, to the first chunk, even one that only names the role"),
    ("TPOT", "TPOT"),
    ("ITL", "ICL: raw gaps between chunks, whatever the tokens in them"),
    ("E2EL", "E2E service: from the send"),
    ("request goodput", "none: it divides by the time of the run and forgives what failed"),
]
SAID = {"median_ttft_ms": "ttft_service_ms_p50", "p99_ttft_ms": "ttft_service_ms_p99"}
SAID |= {"median_tpot_ms": "tpot_ms_p50", "p99_tpot_ms": "tpot_ms_p99"}


def recognised(text: str) -> bool:
    """Whether a file's text is one of these."""
    first = text.lstrip()[:1] == "{"
    return first and '"request_throughput"' in text and '"endpoint_type"' in text and '"benchmarks"' not in text


def read(text: str) -> Imported:
    """One benchmark per JSON document: --append-result puts several into a file. Raises ImportFailed."""
    return Imported(TOOL, [_benchmark(content) for content in _documents(text)], WORDS)


def _documents(text: str) -> list[dict[str, Any]]:
    decoder, place, found = json.JSONDecoder(), 0, []
    while text[place:].strip():
        place += len(text[place:]) - len(text[place:].lstrip())
        content, place = decoder.raw_decode(text, place)
        found.append(content)
    return found


def _benchmark(content: dict[str, Any]) -> Benchmark:
    missing = [name for name in LISTS if name not in content]
    if missing:
        raise ImportFailed(
            f"it holds no {missing[0]}: measure again with --save-detailed, so that each request is in it"
        )
    rows = [_row(content, index) for index in range(len(content["start_times"]))]
    begin = min(row["t_send"] for row in rows)
    rate, most = content.get("request_rate"), content.get("max_concurrency")
    axes = {"request_rate": str(rate)} | ({"max_concurrency": str(most)} if most else {})
    window = (begin, begin + nanoseconds(content["duration"]))
    said = [Said(word, ours, content[word]) for word, ours in SAID.items() if word in content]
    return Benchmark(axes, {"tool": TOOL, **axes}, rows, window, FROM_INTENDED, _notes(content), said)


def _row(content: dict[str, Any], index: int) -> Row:
    sent = nanoseconds(content["start_times"][index])
    tokens, ttft = content["output_lens"][index], content["ttfts"][index]
    error = _error(content["errors"][index], tokens)
    come = stamps(sent + nanoseconds(ttft), content["itls"][index]) if ttft else []
    return {
        "request_id": str(index),
        "phase": "window",
        "t_send": sent,
        "t_tok": come,
        "n_tok": counts(come, tokens),
        "t_end": sent + nanoseconds(content["latencies"][index]) if error is None else None,
        "error": error,
        "prompt_tokens": content["input_lens"][index],
        "completion_tokens": tokens if error is None else None,
        "client_tokens": len(come),
    }


def _error(text: str, tokens: int) -> str | None:
    """Failed requests count no tokens; why is not always said."""
    if text:
        return text.strip().splitlines()[-1]
    return None if tokens else "failed, for a reason that the file does not say"


def _notes(content: dict[str, Any]) -> list[str]:
    """What its TTFT leaves out, with the size of it where the file tells."""
    notes = [
        "Its output tokens are the server's usage, or the text tokenised again where there was none: it does not say."
    ]
    waits = [wait for wait in content.get("queue_times", []) if wait > 0.001]
    if waits:
        longest = max(waits) * 1e3
        notes.append(
            f"{len(waits)} requests waited inside the client for a free place, up to {longest:.0f} ms;"
            " no TTFT holds that."
        )
    return notes
