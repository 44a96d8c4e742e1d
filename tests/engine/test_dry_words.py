import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgate.engine.dry_words import count_words


@given(st.text(st.sampled_from(string.printable + "\x1c\x1fé\u4e2d\U0001f600")))
def test_as_many_as_splitting_finds(text: str) -> None:
    assert count_words(text) == len(text.split())


@pytest.mark.parametrize(("text", "words"), [("", 0), ("  ", 0), ("a", 1), (" a\n b ", 2), ("\ud800 a", 2)])
def test_edges(text: str, words: int) -> None:
    assert count_words(text) == words
