"""The sampler, in real time: its thread waits by the clock. Kept to a few hundred milliseconds."""

import itertools
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from vgate.harness import gauges
from vgate.harness.gauges import SCHEMA, Sampler


def test_it_reads_at_once_and_then_every_so_often() -> None:
    numbers = itertools.count()
    with Sampler(lambda: {"t": next(numbers)}, every_s=0.05) as sampler:
        time.sleep(0.26)
    assert 4 <= len(sampler.samples) <= 6
    assert [sample["t"] for sample in sampler.samples] == list(range(len(sampler.samples)))


def test_the_end_does_not_wait_for_the_next_sample() -> None:
    begin = time.monotonic()
    with Sampler(dict, every_s=60):
        time.sleep(0.02)
    assert time.monotonic() - begin < 10


def test_a_slow_read_is_not_made_up_for() -> None:
    """Of 0.3 s in steps of 10 ms a read of 0.1 s leaves room for three or four."""

    def read() -> dict[str, Any]:
        time.sleep(0.1)
        return {}

    with Sampler(read, every_s=0.01) as sampler:
        time.sleep(0.3)
    assert 2 <= len(sampler.samples) <= 5


def failing() -> dict[str, Any]:
    raise ValueError("no gauges")


def test_a_read_that_fails_is_raised_where_the_block_ends() -> None:
    sampler = Sampler(failing, every_s=0.01)
    with pytest.raises(ValueError, match="no gauges"), sampler:
        time.sleep(0.05)
    assert not [thread for thread in threading.enumerate() if thread.name == "gauges"]


def test_it_does_not_hide_what_the_block_raises() -> None:
    def block() -> None:
        with Sampler(failing, every_s=0.01):
            time.sleep(0.05)
            raise KeyError

    with pytest.raises(KeyError):
        block()


def test_samples_are_kept_and_what_they_lack_is_null(tmp_path: Path) -> None:
    path = tmp_path / "g.parquet"
    samples = [{"t": 2**60 + 1, "in_flight": 3, "batch_size": None, "kv_usage": 0.25}]
    gauges.save(samples, path)
    kept = gauges.load(path)
    pd.testing.assert_frame_equal(kept, gauges.frame(samples))
    assert kept["t"].tolist() == [2**60 + 1]
    assert kept["gpu_power_w"].isna().all()


def test_every_column_says_what_it_is() -> None:
    assert all(field.metadata[b"is"] for field in SCHEMA)
