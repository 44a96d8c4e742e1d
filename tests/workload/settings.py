"""Workloads for tests."""

from typing import Any

from tests.load.settings import SAMPLES
from vgate.workload.base import Question, Slot, Workload
from vgate.workload.jsonl import Jsonl
from vgate.workload.multi_turn import MultiTurn
from vgate.workload.shared_prefix import SharedPrefix
from vgate.workload.synthetic import Synthetic
from vgate.workload.trace import Trace
from vgate.workload.zipf import Zipf

COMMON: dict[str, Any] = {
    "stream": True,
    "temperature": 0.0,
    "ignore_eos": True,
    "usage_per_chunk": False,
    "tokenizer": None,
}
WORDS: dict[str, Any] = {**COMMON, "prompt_tokens": 32, "output_tokens": 32}


def synthetic(**changes: Any) -> Synthetic:
    return Synthetic(**{**WORDS, **changes})


def zipf(**changes: Any) -> Zipf:
    return Zipf(**{**WORDS, "repeat_ratio": 1.0, "pool": 100, "exponent": 1.0, **changes})


def shared_prefix(**changes: Any) -> SharedPrefix:
    return SharedPrefix(**{**WORDS, "groups": 4, "prefix_tokens": 64, **changes})


def multi_turn(**changes: Any) -> MultiTurn:
    return MultiTurn(**{**WORDS, "turns": 4, "conversations": 8, **changes})


def jsonl(path: Any = SAMPLES / "sharegpt.json", **changes: Any) -> Jsonl:
    defaults = {"max_entries": 1000, "turns": "first", "order": "file", "conversations": 3, "output_tokens": None}
    return Jsonl(**{**COMMON, **defaults, "path": str(path), **changes})


def trace(path: Any = SAMPLES / "mooncake.jsonl", **changes: Any) -> Trace:
    scales = {"prompt_scale": 1.0, "output_scale": 1.0, "block_tokens": 512}
    return Trace(**{**COMMON, "path": str(path), "start_s": 0.0, "max_rows": 1000, **scales, **changes})


def arrivals(workload: Workload, count: int, seed: int = 0) -> list[Question]:
    """What the first requests of an open loop ask."""
    return [workload.question(seed, Slot(None, number)) for number in range(count)]


def text(question: Question) -> str:
    """The last message."""
    return str(question.messages[-1]["content"])
