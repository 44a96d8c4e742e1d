import json
from pathlib import Path
from typing import Any

from tests.load.settings import SAMPLES
from tests.workload.settings import arrivals, text, trace
from vgate.load.recorded import read_trace
from vgate.workload.base import Slot


def mooncake(tmp_path: Path, *rows: tuple[int, list[int]]) -> Path:
    path = tmp_path / "mooncake.jsonl"
    entries: list[dict[str, Any]] = [
        {"timestamp": 1000 * n, "input_length": size, "output_length": 7, "hash_ids": ids}
        for n, (size, ids) in enumerate(rows)
    ]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    return path


def shared(one: str, other: str) -> int:
    """Words that both begin with."""
    pairs = zip(one.split(), other.split(), strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one.split()), len(other.split())))


def test_lengths_are_those_recorded() -> None:
    path = SAMPLES / "azure_2023.csv"
    asked = arrivals(trace(path), 240)
    recorded = read_trace(str(path), 0.0, 1000)
    assert [len(text(question).split()) for question in asked] == [row.prompt_tokens for row in recorded]
    assert [question.output_tokens for question in asked] == [row.output_tokens for row in recorded]


def test_equal_blocks_are_equal_text(tmp_path: Path) -> None:
    """512 tokens a block, the last one in part."""
    path = mooncake(tmp_path, (1500, [0, 1, 2]), (1200, [0, 1, 3]), (700, [4, 1]))
    first, second, third = (text(question) for question in arrivals(trace(path), 3))
    assert [len(prompt.split()) for prompt in (first, second, third)] == [1500, 1200, 700]
    assert shared(first, second) == 1024
    assert shared(first, third) == 0
    assert third.split()[512:] == first.split()[512:700]


def test_scales_make_a_trace_fit_a_small_model(tmp_path: Path) -> None:
    path = mooncake(tmp_path, (1500, [0, 1, 2]), (1200, [0, 1, 3]))
    first, second = arrivals(trace(path, prompt_scale=0.125, output_scale=0.5), 2)
    assert (len(text(first).split()), first.output_tokens) == (188, 4)
    assert shared(text(first), text(second)) == 128


def test_a_prompt_longer_than_its_blocks_ends_with_words_of_its_own(tmp_path: Path) -> None:
    path = mooncake(tmp_path, (600, [0]), (600, [0]))
    first, second = (text(question) for question in arrivals(trace(path), 2))
    assert len(first.split()) == 600
    assert shared(first, second) == 512


def test_without_blocks_no_two_prompts_begin_alike() -> None:
    prompts = [text(question) for question in arrivals(trace(SAMPLES / "burstgpt.csv"), 200)]
    assert len({" ".join(prompt.split()[:4]) for prompt in prompts}) == 200


def test_a_recorded_failure_is_asked_for_one_token() -> None:
    assert min(question.output_tokens for question in arrivals(trace(SAMPLES / "burstgpt.csv"), 240)) == 1


def test_at_its_end_the_trace_begins_again_with_new_words() -> None:
    workload = trace(SAMPLES / "azure_2024.csv", max_rows=10)
    asked = arrivals(workload, 20)
    assert [q.output_tokens for q in asked[:10]] == [q.output_tokens for q in asked[10:]]
    assert len({text(question) for question in asked}) == 20


def test_users_of_a_closed_loop_walk_through_it_from_different_places() -> None:
    workload = trace(SAMPLES / "azure_2024.csv")
    walks = [[workload.question(0, Slot(user, n)).output_tokens for n in range(20)] for user in range(4)]
    assert walks[0] == [question.output_tokens for question in arrivals(workload, 20)]
    assert len({tuple(walk) for walk in walks}) == 4


def test_the_seed_makes_other_words_of_the_same_lengths(tmp_path: Path) -> None:
    path = mooncake(tmp_path, (600, [0, 1]))
    one, other = (text(arrivals(trace(path), 1, seed)[0]) for seed in (1, 2))
    assert len(one.split()) == len(other.split()) == 600
    assert shared(one, other) == 0
