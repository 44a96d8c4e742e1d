"""What the caches in memory take of it."""

import json
import subprocess
import sys

import pytest

from tests.cache.filling import MAX_BYTES
from tests.cache.kept import answer
from tests.components import build

# A million for one of them; as many for each would take minutes.
PUTS = {"lru": 1_000_000, "lfu": 150_000, "ttl": 150_000, "tinylfu": 150_000}


@pytest.mark.parametrize("option", PUTS)
def test_C17_memory_is_within_ten_percent_of_the_bound(option: str) -> None:
    command = [sys.executable, "-m", "tests.cache.filling", option, str(PUTS[option]), "1"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(run.stdout)
    assert 0.99 * MAX_BYTES < told["bytes"] <= MAX_BYTES
    assert 0.85 * MAX_BYTES < told["grown"] < 1.1 * MAX_BYTES


def test_C17_a_streamed_answer_takes_what_its_bytes_take() -> None:
    """Answers of 50 events each: no event costs more than its text and a few bytes."""
    command = [sys.executable, "-m", "tests.cache.filling", "lru", "8000", "50"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert told["entries"] > 0.95 * MAX_BYTES / (50 * 604 + 800)
    assert told["grown"] < 1.1 * MAX_BYTES


async def test_C17_an_entrys_size_is_its_text_and_a_fixed_part() -> None:
    for option in PUTS:
        cache, sizes = build("cache", option), []
        for count in (1, 10, 1000):
            await cache.put(b"k", answer("1", *[b"x" * 100] * count))
            entry = await cache.entry(b"k")
            assert entry is not None
            sizes.append(entry.bytes - count * 104)
        assert sizes[0] == sizes[1] == sizes[2]
