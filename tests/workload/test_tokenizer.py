"""Lengths counted by a model's own tokenizer."""

from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models

from tests.workload.settings import arrivals, jsonl, multi_turn, shared_prefix, synthetic, text, trace, zipf
from vgate.models.tokenizer import train_tokenizer
from vgate.workload.tokenizer import WrongTokenizer, count_tokens, one_token_words
from vgate.workload.words import COMMON, SIZE


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a tokenizer of 4,096 tokens that cuts most common words in pieces."""
    folder = tmp_path_factory.mktemp("tiny")
    train_tokenizer().save(str(folder / "tokenizer.json"))
    return str(folder)


@pytest.mark.parametrize(
    ("make", "tokens"),
    [
        (synthetic, 32),
        (zipf, 32),
        (shared_prefix, 64 + 32),
        (multi_turn, 32),
        (trace, None),
    ],
)
def test_prompts_have_as_many_tokens_as_asked_for(tiny: str, make: Any, tokens: int | None) -> None:
    asked = arrivals(make(tokenizer=tiny), 40)
    counted = [count_tokens(tiny, text(question)) for question in asked]
    wanted = [tokens] * 40 if tokens else [len(text(question).split()) for question in asked]
    assert counted == wanted


@pytest.mark.parametrize("size", [1, 2, 3, 17, 1000])
def test_of_any_length(tiny: str, size: int) -> None:
    for question in arrivals(synthetic(tokenizer=tiny, prompt_tokens=size), 10):
        assert count_tokens(tiny, text(question)) == size


def test_scripted_answers_too(tiny: str) -> None:
    history = arrivals(multi_turn(tokenizer=tiny, conversations=1, output_tokens=9), 4)[3].messages
    assert [count_tokens(tiny, message["content"]) for message in history] == [32, 9, 32, 9, 32, 9, 32]


def test_common_words_would_not_do(tiny: str) -> None:
    """With this tokenizer they are 1.4 tokens each: why there is a setting for it."""
    (question,) = arrivals(synthetic(prompt_tokens=1000), 1)
    assert count_tokens(tiny, text(question)) > 1300


def test_words_of_one_token_come_from_the_common_ones_first(tiny: str) -> None:
    words = one_token_words(tiny)
    assert len(set(words)) == SIZE
    known = [word for word in words if word in set(COMMON)]
    assert list(words[: len(known)]) == known != []


def test_answers_of_a_file_are_counted(tiny: str) -> None:
    exact, rough = (arrivals(jsonl(tokenizer=tokenizer), 20) for tokenizer in (tiny, None))
    assert [q.messages for q in exact] == [q.messages for q in rough]
    assert [q.output_tokens for q in exact] != [q.output_tokens for q in rough]


def test_a_file_may_be_named_instead_of_its_folder(tiny: str) -> None:
    assert one_token_words(str(Path(tiny, "tokenizer.json"))) == one_token_words(tiny)


def test_a_model_in_the_hubs_cache_is_found(tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = tmp_path / "models--some--model" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (tmp_path / "models--some--model" / "refs").mkdir()
    (tmp_path / "models--some--model" / "refs" / "main").write_text("abc")
    (snapshot / "tokenizer.json").write_bytes(Path(tiny, "tokenizer.json").read_bytes())
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert one_token_words("some/model") == one_token_words(tiny)
    with pytest.raises(WrongTokenizer, match="or a model in the hub's cache on this machine"):
        one_token_words("some/other")


def saved(tmp_path: Path, tokenizer: Tokenizer) -> str:
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return str(tmp_path)


def test_too_few_words_are_refused(tmp_path: Path) -> None:
    letters = Tokenizer(models.BPE({letter: number for number, letter in enumerate("abcdefghijklmnopqrstuvwxyz ")}, []))
    with pytest.raises(WrongTokenizer, match=f"has 0 words of a single token, {SIZE} are needed"):
        one_token_words(saved(tmp_path, letters))


def test_a_tokenizer_that_joins_words_is_refused(tmp_path: Path) -> None:
    pieces = [("?", -50.0), *((word, -10.0) for word in COMMON), *((f" {word}", -10.0) for word in COMMON)]
    joined = [(f"{COMMON[0]} {COMMON[1]}", -1.0)]
    with pytest.raises(WrongTokenizer, match="joins words"):
        one_token_words(saved(tmp_path, Tokenizer(models.Unigram(pieces + joined, 0))))


def test_what_a_file_says_of_cutting_and_filling_is_not_followed(tiny: str, tmp_path: Path) -> None:
    cutting = Tokenizer.from_file(str(Path(tiny, "tokenizer.json")))
    cutting.enable_truncation(16)
    cutting.enable_padding(length=16)
    name = saved(tmp_path, cutting)
    assert [count_tokens(name, said) for said in ("the", "the " * 100)] == [
        count_tokens(tiny, said) for said in ("the", "the " * 100)
    ]
    assert one_token_words(name) == one_token_words(tiny)


def test_a_file_that_is_no_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(WrongTokenizer, match="cannot be read: "):
        one_token_words(str(tmp_path))
