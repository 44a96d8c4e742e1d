"""Rows: one per request, raw stamps only. Every metric is computed from them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from vgate.harness.answers import decode
from vgate.harness.exchange import Exchange
from vgate.harness.frames import to_pandas
from vgate.harness.plan import Outcome

SCHEMA = pa.schema(
    [
        pa.field("request_id", pa.string(), metadata={"is": "as sent in X-Request-Id"}),
        pa.field("phase", pa.string(), metadata={"is": "warmup, window or drain: where t_int lies"}),
        pa.field("t_int", pa.int64(), metadata={"is": "intended, CLOCK_MONOTONIC ns, as all t_*"}),
        pa.field("t_send", pa.int64(), metadata={"is": "bytes handed to the socket"}),
        pa.field("t_tok", pa.list_(pa.int64()), metadata={"is": "each chunk with content"}),
        pa.field("n_tok", pa.list_(pa.int64()), metadata={"is": "tokens in each of them; null: not known"}),
        pa.field("t_end", pa.int64(), metadata={"is": "last byte of the answer, or when it failed; null: cut off"}),
        pa.field("status", pa.int64(), metadata={"is": "HTTP status"}),
        pa.field("error", pa.string(), metadata={"is": "null: a complete answer"}),
        pa.field("cache", pa.string(), metadata={"is": "X-VGate-Cache"}),
        pa.field("prompt_tokens", pa.int64(), metadata={"is": "usage, from the server"}),
        pa.field("completion_tokens", pa.int64(), metadata={"is": "usage, from the server"}),
        pa.field("client_tokens", pa.int64(), metadata={"is": "the client's own count"}),
        pa.field("finish_reason", pa.string()),
    ]
)


def rows_from(exchanges: Iterable[Exchange], outcome: Outcome) -> pd.DataFrame:
    """The rows of a driver's exchanges, in the order of their intended times."""
    return frame([_row(exchange, outcome) for exchange in exchanges])


def frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """A frame with all columns of SCHEMA; keys that a row lacks are null."""
    return to_pandas(pa.Table.from_pylist(rows, schema=SCHEMA).sort_by("t_int"))


def save(rows: pd.DataFrame, path: Path) -> None:
    """Write rows as Parquet."""
    rows.to_parquet(path, schema=SCHEMA, index=False)


def load(path: Path) -> pd.DataFrame:
    """Read rows back, as they were saved."""
    return to_pandas(parquet.read_table(path, schema=SCHEMA))


def _row(exchange: Exchange, outcome: Outcome) -> dict[str, Any]:
    content = decode(exchange)
    return {
        "request_id": exchange.request_id,
        "phase": _phase(exchange.t_int, outcome),
        "t_int": exchange.t_int,
        "t_send": exchange.t_send,
        "t_end": exchange.t_end,
        "status": exchange.status,
        "cache": exchange.cache,
    } | vars(content)


def _phase(t_int: int, outcome: Outcome) -> str:
    if t_int < outcome.window_start:
        return "warmup"
    return "window" if t_int < outcome.window_end else "drain"
