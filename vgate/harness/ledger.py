"""Three books of the same requests: the client's rows, the gateway's records, the engine's own counters."""

from collections.abc import Iterator

import pandas as pd

from vgate.harness.evidence import Evidence, Unchecked
from vgate.harness.prometheus_text import total

# vLLM's counter -> the column that should add up to it.
COUNTERS = {
    "vllm:prompt_tokens_total": "engine_prompt_tokens",
    "vllm:generation_tokens_total": "engine_tokens",
}
REPLAYED = ("hit", "coalesced")  # answers whose tokens the server did not generate anew


def tokens(seen: Evidence) -> Iterator[str]:
    """The reason, if the tokens that the client counted are not those that the server says it generated.

    Equal to the token, but for requests that failed. Of these the client had a part, and the server may have gone on
    for nobody: each cost at least what the client had of it, and at most what the engine made for it by its record.
    """
    if seen.generated is None:
        yield Unchecked("tokens: the server's own count is not known")
        return
    own = seen.rows[~seen.rows["cache"].isin(REPLAYED)]
    counted = int(own["completion_tokens"].fillna(own["client_tokens"]).sum())
    failed = own[own["error"].notna()]
    more = _unseen(failed, seen.server) if len(failed) else 0
    said = f"the client counted {counted} tokens, the server says it generated {seen.generated:.0f}"
    if seen.generated < counted or (seen.generated > counted and not len(failed)):
        yield said
    elif more is None:
        yield Unchecked(f"tokens: too many of them; {len(failed)} requests failed, and no record tells what they cost")
    elif seen.generated > counted + more:
        yield f"{said}; {len(failed)} failed requests explain {more} more at most"


def _unseen(failed: pd.DataFrame, server: pd.DataFrame | None) -> int | None:
    """Tokens that the engine made for failed requests beyond those that the client had; None where that is not known.

    A request that never entered the engine cost none.
    """
    if server is None:
        return None
    both = failed.merge(server, on="request_id", suffixes=("", "_sent"))
    made = both["engine_tokens"].mask(both["t_admitted"].isna(), 0)
    if made.isna().any():
        return None
    had = both["completion_tokens"].fillna(both["client_tokens"]).fillna(0)
    return int((made - had).clip(lower=0).sum())


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
