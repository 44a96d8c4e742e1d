"""Three books of the same requests: the client's rows, the gateway's records, the engine's own counters."""

from collections.abc import Iterator

import pandas as pd

from vgate.harness.prometheus_text import total

# vLLM's counter -> the column that should add up to it.
COUNTERS = {
    "vllm:prompt_tokens_total": "engine_prompt_tokens",
    "vllm:generation_tokens_total": "engine_tokens",
}


def disagreements(
    rows: pd.DataFrame, server: pd.DataFrame, metrics: tuple[str, str], dropped: int = 0
) -> Iterator[str]:
    """Where the books differ, in words.

    metrics: the text of `/metrics` before and after all `rows`. dropped: records that the server had no room for.
    """
    if dropped:
        yield f"the server kept the records of {len(server)} requests and dropped those of {dropped} more"
        return
    yield from _unjoined(rows, server)
    yield from _usages(rows, server)
    for name, column in COUNTERS.items():
        if name in metrics[1]:
            yield from _counter(name, total(metrics[1], name) - total(metrics[0], name), server[column])


def _unjoined(rows: pd.DataFrame, server: pd.DataFrame) -> Iterator[str]:
    sent = rows[rows["t_send"].notna()]
    missing = sent[~sent["request_id"].isin(server["request_id"])]
    if len(missing):
        first = missing["request_id"].iloc[0]
        yield f"{len(missing)} of {len(sent)} requests have no record at the server; first: {first}"
    doubled = server[server["request_id"].duplicated()]
    if len(doubled):
        yield f"{len(doubled)} requests have several records at the server; first: {doubled['request_id'].iloc[0]}"


def _usages(rows: pd.DataFrame, server: pd.DataFrame) -> Iterator[str]:
    """The usage that a client read is the one that the gateway sent it."""
    answered = rows[rows["error"].isna()]
    both = answered.merge(server, on="request_id", suffixes=("", "_sent"))
    for name in ("prompt_tokens", "completion_tokens"):
        wrong = both[(both[name] != both[f"{name}_sent"]).fillna(True)]
        if len(wrong):
            yield f"{len(wrong)} answers' {name} are not what the server sent; first: {wrong['request_id'].iloc[0]}"


def _counter(name: str, counted: float, recorded: pd.Series) -> Iterator[str]:
    found = int(recorded.sum())
    if found != counted:
        yield f"{name} grew by {counted:.0f}, the requests' own records add up to {found}"
