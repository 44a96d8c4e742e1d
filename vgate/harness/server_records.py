"""The server's own rows: one per request, from its admin socket (`vgate.observe.recorder`)."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from vgate.harness.frames import column, to_pandas

LIMIT = 200_000  # requests of one cell whose records the server keeps, at some 700 bytes; more make the cell INVALID


_ID, _STAMP, _COUNT = pa.string(), pa.int64(), pa.int64()
SCHEMA = pa.schema(
    [
        column("request_id", _ID, "X-Request-Id: what joins a row to the client's"),
        column("call_id", _ID, "the server's name for it; empty: refused before it was understood"),
        column("source_id", _ID, "call_id of the generation that the answer is from; empty: there was no answer"),
        column("endpoint", pa.string(), "the path"),
        column("stream", pa.bool_(), "whether a stream was asked for"),
        column("status", pa.int64(), "HTTP status; 499: the client left first"),
        column("error", pa.string(), "null: answered whole"),
        column("cache", pa.string(), "X-VGate-Cache"),
        column("batch_id", _COUNT, "with whom its generation entered the engine; null: it did not"),
        column("batch_size", _COUNT, "how many they were"),
        column("t_arrived", _STAMP, "headers read; CLOCK_MONOTONIC ns, as all t_*"),
        column("t_queued", _STAMP, "checked, begins to wait; null, as all below, where it has no generation"),
        column("t_admitted", _STAMP, "handed to the engine"),
        column(
            "held_ns",
            pa.int64(),
            "of t_queued to t_admitted, held for company; 0 without a generation",
        ),
        column("t_first_event", _STAMP, "first event with content, ready to be sent; also without a generation"),
        column("t_answered", _STAMP, "the answer's last byte ready to be sent; also without a generation"),
        column("t_finished", _STAMP, "sent and done with, or the client gone; also without a generation"),
        column("t_engine_queued", _STAMP, "the engine's own stamps: in its queue"),
        column("t_scheduled", _STAMP, "its first step planned"),
        column("t_first_token", _STAMP, "first token made"),
        column("t_last_token", _STAMP, "last token made"),
        column("prompt_tokens", _COUNT, "usage, as told to the client"),
        column("completion_tokens", _COUNT, "usage, as told to the client"),
        column("engine_prompt_tokens", _COUNT, "as the engine counts: once a choice, from its first token on"),
        column("engine_tokens", _COUNT, "made by the engine, also those that nobody waited for"),
        column("preemptions", _COUNT, "how often it lost its place in the KV cache"),
    ]
)


def frame(lines: str) -> pd.DataFrame:
    """The rows of the lines that `GET /records` gives, in the order of their arrival."""
    rows = [json.loads(line) for line in lines.splitlines()]
    return to_pandas(pa.Table.from_pylist(rows, schema=SCHEMA).sort_by("t_arrived"))


def save(rows: pd.DataFrame, path: Path) -> None:
    """Write rows as Parquet."""
    rows.to_parquet(path, schema=SCHEMA, index=False)


def load(path: Path) -> pd.DataFrame:
    """Read rows back, as they were saved."""
    return to_pandas(parquet.read_table(path, schema=SCHEMA))
