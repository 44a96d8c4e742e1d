"""The sampler, in real time: its thread waits by the clock. Kept to a few hundred milliseconds."""

import itertools
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from vgate.harness import gauges
from vgate.harness.gauges import MOST_MISSED, SCHEMA, Sampler


def wait_until(what: Callable[[], bool]) -> None:
    limit = time.monotonic() + 20
    while not what():
        assert time.monotonic() < limit
        time.sleep(0.001)


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


def test_a_single_read_that_fails_is_counted_and_the_next_is_made() -> None:
    numbers = itertools.count()

    def read() -> dict[str, Any]:
        number = next(numbers)
        return failing() if number % 2 else {"t": number}

    with Sampler(read, every_s=0.005) as sampler:
        wait_until(lambda: sampler.missed >= 2 * MOST_MISSED)
        sampler.check()
    assert [sample["t"] for sample in sampler.samples] == list(range(0, 2 * len(sampler.samples), 2))


def test_who_answers_no_more_is_found_out_at_once() -> None:
    """By who waits for the end of the block, which may be a minute away; after so many reads no more are made."""
    sampler = Sampler(failing, every_s=0.001)

    def block() -> None:
        with sampler:
            wait_until(lambda: sampler.missed == MOST_MISSED)
            sampler.check()

    with pytest.raises(ValueError, match="no gauges"):
        block()
    assert sampler.missed == MOST_MISSED
    assert not [thread for thread in threading.enumerate() if thread.name == "gauges"]


def test_without_a_single_sample_the_last_error_is_raised_where_the_block_ends() -> None:
    sampler = Sampler(failing, every_s=60)
    with pytest.raises(ValueError, match="no gauges"), sampler:
        wait_until(lambda: sampler.missed == 1)


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
