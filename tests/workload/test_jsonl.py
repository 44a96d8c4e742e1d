import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.load.settings import SAMPLES
from tests.workload.settings import arrivals, jsonl, text
from vgate.load.recorded import WrongFile
from vgate.workload.base import Slot


def written(tmp_path: Path, *entries: Any) -> Path:
    path = tmp_path / "chats.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    return path


def prompts(tmp_path: Path, count: int) -> Path:
    return written(tmp_path, *({"prompt": str(number), "max_tokens": 5} for number in range(count)))


def test_arrivals_walk_through_the_file_and_begin_again(tmp_path: Path) -> None:
    assert [text(q) for q in arrivals(jsonl(prompts(tmp_path, 3)), 7)] == ["0", "1", "2", "0", "1", "2", "0"]


def test_shuffled_is_another_order_for_another_seed(tmp_path: Path) -> None:
    workload = jsonl(prompts(tmp_path, 50), order="shuffled")
    orders = [[text(question) for question in arrivals(workload, 50, seed)] for seed in (1, 2)]
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(str(number) for number in range(50))
    assert orders[0] != orders[1]


def test_users_ask_different_things_until_most_of_the_file_is_used(tmp_path: Path) -> None:
    workload = jsonl(prompts(tmp_path, 100), order="shuffled")
    asked = [text(workload.question(0, Slot(user, number))) for user in range(5) for number in range(8)]
    assert max(Counter(asked).values()) == 1


def test_whole_conversations_in_a_closed_loop() -> None:
    workload = jsonl(SAMPLES / "sharegpt.json", turns="all")
    sizes = [len(workload.question(0, Slot(0, number)).messages) for number in range(10)]
    assert sizes == [1, 1, 3, 1, 3, 5, 1, 3, 5, 7]


def test_whole_conversations_in_an_open_loop_go_round() -> None:
    """Three under way: an arrival continues that of three arrivals ago, or begins another."""
    workload = jsonl(SAMPLES / "openai.jsonl", turns="all", conversations=3)
    asked = [question.messages for question in arrivals(workload, 30)]
    continued = [
        now[: len(before) - 1] == before[:-1]
        for before, now in zip(asked, asked[3:], strict=False)
        if len(now) > 2 + len(before) - 1
    ]
    assert continued
    assert all(continued)


def test_limits_are_the_entrys_own_or_the_length_of_its_answer(tmp_path: Path) -> None:
    """40 characters are about 10 tokens."""
    chat = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "x" * 40}]}
    path = written(tmp_path, chat, {**chat, "max_tokens": 3})
    assert [question.output_tokens for question in arrivals(jsonl(path), 2)] == [10, 3]


def test_a_limit_that_is_set_goes_for_all(tmp_path: Path) -> None:
    path = written(tmp_path, {"prompt": "a"}, {"prompt": "b", "max_tokens": 3})
    assert [question.output_tokens for question in arrivals(jsonl(path, output_tokens=7), 2)] == [7, 7]


def test_drawn_limits_belong_to_the_question(tmp_path: Path) -> None:
    lengths = {"distribution": "uniform", "min": 1, "max": 1000}
    asked = arrivals(jsonl(prompts(tmp_path, 5), output_tokens=lengths), 10)
    assert [q.output_tokens for q in asked[:5]] == [q.output_tokens for q in asked[5:]]
    assert len({q.output_tokens for q in asked}) == 5


def test_a_question_without_any_limit_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongFile, match="has neither answer nor max_tokens for 'why'; set output_tokens"):
        arrivals(jsonl(written(tmp_path, {"prompt": "why"})), 1)
