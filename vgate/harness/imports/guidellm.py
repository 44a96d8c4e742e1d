"""GuideLLM's benchmarks.json: one report, several benchmarks, each with its requests.

Its stamps are seconds since 1970 of `time.time`. `targeted_start` of a strategy with a rate is when the schedule wanted
the request sent: TTFT from the intended time can be had, though GuideLLM itself counts from `request_start`. Of the
tokens only the first and the last are stamped.
"""

import json
from collections.abc import Iterator
from typing import Any

from vgate.harness.imports.base import (
    CUT_OFF,
    FROM_INTENDED,
    FROM_TOKENS,
    Benchmark,
    Imported,
    ImportFailed,
    Row,
    Said,
    nanoseconds,
)

TOOL = "GuideLLM"
WORDS = [
    ("time to first token", "TTFT service: from the send"),
    ("inter-token latency (ITL)", "TPOT: a mean per request, not a gap between tokens"),
    ("time per output token (TPOT)", "none: it contains the time to the first token"),
    ("request latency", "E2E service: from the send"),
]
SCHEDULED = ("constant", "poisson", "replay")  # strategies whose targeted_start is a schedule's, not the last answer's
SAID = {"time_to_first_token_ms": "ttft_service_ms", "inter_token_latency_ms": "tpot_ms"}
PERCENTS = {"p50": "_p50", "p90": "_p90", "p99": "_p99"}


def recognised(text: str) -> bool:
    """Whether a file's text is one of these."""
    return text.lstrip()[:1] == "{" and '"benchmarks"' in text and '"scheduler_metrics"' in text


def read(text: str) -> Imported:
    """Raises ImportFailed."""
    found = [_benchmark(content) for content in json.loads(text)["benchmarks"]]
    if not found:
        raise ImportFailed("it holds no benchmark")
    return Imported(TOOL, found, WORDS)


def _benchmark(content: dict[str, Any]) -> Benchmark:
    strategy, requests = content["config"]["strategy"], content["requests"]
    scheduled = strategy["type_"] in SCHEDULED
    window = nanoseconds(content["start_time"]), nanoseconds(content["end_time"])
    rows = [_row(one, scheduled, window, None) for one in requests["successful"]]
    rows += [_row(one, scheduled, window, one["info"]["error"] or "no reason given") for one in requests["errored"]]
    rows += [_row(one, scheduled, window, CUT_OFF) for one in requests["incomplete"]]
    if not rows:
        raise ImportFailed(f"its benchmark {_name(strategy)} holds no requests")
    absent = FROM_TOKENS if scheduled else (*FROM_INTENDED, *FROM_TOKENS)
    axes, notes, said = {"strategy": _name(strategy)}, list(_notes(content, rows)), list(_said(content))
    return Benchmark(axes, _load(strategy), rows, window, absent, notes, said)


def _row(one: dict[str, Any], scheduled: bool, window: tuple[int, int], error: str | None) -> Row:
    timings = one["info"]["timings"]
    sent, due, end = (_stamp(timings[name]) for name in ("request_start", "targeted_start", "request_end"))
    come = [_stamp(timings[f"{which}_token_iteration"]) for which in ("first", "last")]
    begin = due if scheduled else sent
    return {
        "request_id": one["request_id"],
        "phase": "window" if begin is not None and window[0] <= begin < window[1] else "warmup",
        "t_int": due if scheduled else None,
        "t_send": sent,
        "t_tok": sorted({stamp for stamp in come if stamp is not None}),
        "t_end": end,
        "error": error,
        "prompt_tokens": one["prompt_tokens"],
        "completion_tokens": one["output_tokens"],
        "client_tokens": timings["token_iterations"],
    }


def _stamp(seconds: float | None) -> int | None:
    return None if seconds is None else nanoseconds(seconds)


def _name(strategy: dict[str, Any]) -> str:
    """As GuideLLM prints it."""
    if "rate" in strategy:
        return f"{strategy['type_']}@{strategy['rate']:.2f}"
    return f"{strategy['type_']}@{strategy['streams']}" if "streams" in strategy else str(strategy["type_"])


def _load(strategy: dict[str, Any]) -> dict[str, Any]:
    load: dict[str, Any] = {"tool": TOOL, "strategy": strategy["type_"]}
    if "rate" in strategy:
        return load | {"rate": strategy["rate"]}
    users = strategy.get("streams") or (1 if strategy["type_"] == "synchronous" else None)
    return load | ({"users": users} if users else {})


def _notes(content: dict[str, Any], rows: list[Row]) -> Iterator[str]:
    yield "Of the tokens only the first and the last are stamped: there is no ITL; its own is interpolated."
    cut = sum(row["error"] == CUT_OFF and row["phase"] == "window" for row in rows)
    if cut:
        why = "they count as offered and not as good, and percentiles rank them behind the answered ones"
        yield f"{cut} requests of the window were cut off when the benchmark ended: {why}; its own leave them out."
    total, kept = content["metrics"]["request_totals"]["successful"], len(content["requests"]["successful"])
    if total > kept:
        yield f"The file holds a sample of {kept} of {total} requests: rates and tokens/s are those of the sample."


def _said(content: dict[str, Any]) -> Iterator[Said]:
    for word, ours in SAID.items():
        percentiles = content["metrics"].get(word, {}).get("successful", {}).get("percentiles", {})
        for percent, suffix in PERCENTS.items():
            if percent in percentiles:
                yield Said(f"{word} {percent}", ours + suffix, percentiles[percent])
