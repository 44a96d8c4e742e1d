"""Who is where, some times a second: the server's gauges and the GPUs', sampled by a thread of the bench."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from vgate.harness.frames import column, to_pandas

EVERY_S = 0.1
MOST_MISSED = 10  # reads in a row; then who is asked is taken to answer no more

SCHEMA = pa.schema(
    [
        column("t", pa.int64(), "when the server looked, CLOCK_MONOTONIC ns"),
        column("in_flight", pa.int64(), "requests that have arrived and are not finished"),
        column("waiting", pa.int64(), "generations that wait for admission"),
        column("running", pa.int64(), "generations in the engine, as the gateway sees it"),
        column("batch_size", pa.int64(), "requests in the gateway's batch that was done last; null before the first"),
        column("engine_waiting", pa.int64(), "sequences in the engine's own queue; null: it does not tell"),
        column("engine_running", pa.int64(), "sequences in its batch; null: it does not tell"),
        column("kv_usage", pa.float64(), "share of its KV cache that is taken; null: it does not tell"),
        column("gpu_memory_bytes", pa.int64(), "taken, summed over the GPUs; null, as all below, without one"),
        column("gpu_utilisation", pa.float64(), "share of time in which a kernel ran, the GPUs' mean"),
        column("gpu_power_w", pa.float64(), "summed over the GPUs; null: they do not tell"),
    ]
)


class Sampler:
    """Reads a dictionary of gauges every so often, in a thread, for the length of a `with`.

    A read that is late is followed by the next one at once, and none is made up for. One that raises is counted in
    `missed`. Ten in a row end the sampling: what the last of them raised is raised by `check`, and at the end of the
    block if that ends well; so it is where not one read has succeeded.
    """

    def __init__(self, read: Callable[[], dict[str, Any]], every_s: float = EVERY_S) -> None:
        self._read = read
        self._every_s = every_s
        self._over = threading.Event()
        self._error: Exception | None = None  # of the last read that failed
        self._in_a_row = 0
        self.missed = 0
        self._thread = threading.Thread(target=self._run, name="gauges")
        self.samples: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if error is None:
            self.check()
            if self._error is not None and not self.samples:
                raise self._error

    def check(self) -> None:
        """Raise what has ended the sampling; for whoever waits for the end of the block."""
        if self._error is not None and self._in_a_row >= MOST_MISSED:
            raise self._error

    def _run(self) -> None:
        due = time.monotonic()
        while self._in_a_row < MOST_MISSED and not self._over.wait(max(0.0, due - time.monotonic())):
            try:
                self.samples.append(self._read())
                self._in_a_row = 0
            except Exception as error:  # noqa: BLE001  raised where the block ends, if it goes on
                self._error = error
                self.missed += 1
                self._in_a_row += 1
            due = max(due + self._every_s, time.monotonic())


def frame(samples: list[dict[str, Any]]) -> pd.DataFrame:
    """A frame with all columns of SCHEMA; keys that a sample lacks are null."""
    return to_pandas(pa.Table.from_pylist(samples, schema=SCHEMA))


def save(samples: list[dict[str, Any]], path: Path) -> None:
    """Write samples as Parquet."""
    parquet.write_table(pa.Table.from_pylist(samples, schema=SCHEMA), path)


def load(path: Path) -> pd.DataFrame:
    """Read samples back, in the order of time."""
    return to_pandas(parquet.read_table(path, schema=SCHEMA))
