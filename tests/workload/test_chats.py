import json
from pathlib import Path
from typing import Any

import pytest

from tests.load.settings import SAMPLES
from vgate.load.recorded import WrongFile
from vgate.workload.chats import Turn, read_chats

SHARE = {
    "conversations": [
        {"from": "human", "value": "a"},
        {"from": "gpt", "value": "b"},
        {"from": "human", "value": "c"},
        {"from": "gpt", "value": "d"},
    ]
}
A, B, C = ({"role": role, "content": said} for role, said in (("user", "a"), ("assistant", "b"), ("user", "c")))


def read(tmp_path: Path, *entries: Any, turns: str = "all", most: int = 100) -> list[tuple[Turn, ...]]:
    path = tmp_path / "chats.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    return list(read_chats(str(path), turns, most))


@pytest.mark.parametrize(
    ("turns", "found"),
    [
        ("first", (Turn([A], "b", None),)),
        ("last", (Turn([A, B, C], "d", None),)),
        ("all", (Turn([A], "b", None), Turn([A, B, C], "d", None))),
    ],
)
def test_turns_of_sharegpt(tmp_path: Path, turns: str, found: tuple[Turn, ...]) -> None:
    assert read(tmp_path, SHARE, turns=turns) == [found]


def test_messages_as_openai_writes_them(tmp_path: Path) -> None:
    """Everything in a message is kept; a system message comes along."""
    system = {"role": "system", "content": "s", "name": "x"}
    assert read(tmp_path, {"messages": [system, A, B, C]}) == [
        (Turn([system, A], "b", None), Turn([system, A, B, C], None, None))
    ]


def test_a_plain_prompt_with_and_without_a_limit(tmp_path: Path) -> None:
    found = read(tmp_path, {"prompt": "a"}, {"prompt": "a", "max_tokens": 9}, {"prompt": "a", "output_tokens": 8})
    assert found == [(Turn([A], None, limit),) for limit in (None, 9, 8)]


def test_an_array_is_read_as_lines_are(tmp_path: Path) -> None:
    path = tmp_path / "chats.json"
    path.write_text(json.dumps([SHARE, {"prompt": "a"}], indent=1), encoding="utf-8")
    assert list(read_chats(str(path), "first", 100)) == [(Turn([A], "b", None),), (Turn([A], None, None),)]


def test_what_is_said_before_any_user_is_left_out(tmp_path: Path) -> None:
    said = [{"from": "gpt", "value": "z"}, {"from": "system", "value": "s"}, *SHARE["conversations"][:2]]
    system = {"role": "system", "content": "s"}
    assert read(tmp_path, {"conversations": said}) == [(Turn([system, A], "b", None),)]


def test_entries_without_a_question_are_left_out(tmp_path: Path) -> None:
    nothing = {"conversations": [{"from": "gpt", "value": "z"}]}
    assert len(read(tmp_path, nothing, SHARE, {"conversations": []})) == 1


def test_questions_in_a_row_are_asked_together(tmp_path: Path) -> None:
    assert read(tmp_path, {"messages": [A, C, B]}) == [(Turn([A, C], "b", None),)]


def test_no_more_is_read_than_asked_for(tmp_path: Path) -> None:
    assert len(read(tmp_path, SHARE, SHARE, {"broken": 1}, most=2)) == 2


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ({"question": "a"}, "line 1 has none of conversations (as ShareGPT), messages (as OpenAI), prompt"),
        ("a", "line 1 has none of "),
        ({"prompt": 3}, "line 1: prompt must be text"),
        ({"prompt": "a", "max_tokens": 0}, "line 1: max_tokens must be a number of tokens, not 0"),
        ({"conversations": [{"from": "dog", "value": "a"}]}, "line 1 is no chat as ShareGPT or OpenAI write it: "),
        ({"messages": [{"content": "a"}]}, "line 1 is no chat as ShareGPT or OpenAI write it: "),
        ({"conversations": []}, "holds no entry with a question of a user"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, entry: Any, line: str) -> None:
    with pytest.raises(WrongFile) as error:
        read(tmp_path, entry)
    assert str(error.value).startswith(line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"prompt": "a"}\n{"prompt\n', "line 2 is not JSON"),
        ('[{"prompt": "a"}', "is not JSON"),
        ("", "holds no entry"),
    ],
)
def test_what_is_not_json_is_told(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "chats"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WrongFile, match=line):
        read_chats(str(path), "first", 10)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(WrongFile, match="cannot be read: No such file"):
        read_chats("/no/such/file", "first", 10)


@pytest.mark.parametrize("name", ["sharegpt.json", "openai.jsonl", "prompts.jsonl"])
def test_the_samples_are_read(name: str) -> None:
    assert len(read_chats(str(SAMPLES / name), "all", 100)) >= 36
