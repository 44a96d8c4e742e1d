from vgate.workload.words import COMMON, SIZE, words_for


def test_there_are_as_many_words_as_a_byte_has_values_and_none_twice() -> None:
    assert len(COMMON) == len(set(COMMON)) == SIZE
    assert all(word.isalpha() and word.islower() for word in COMMON)


def test_a_text_is_the_same_for_the_same_seed_and_name() -> None:
    words = words_for(None)
    assert words.text(1, "a", 20) == words.text(1, "a", 20)
    assert len({words.text(1, "a", 20), words.text(2, "a", 20), words.text(1, "b", 20)}) == 3


def test_a_shorter_text_is_the_beginning_of_the_longer() -> None:
    words = words_for(None)
    assert words.text(1, "a", 200).startswith(words.text(1, "a", 20) + " ")
    assert words.text(1, "a", 0) == ""


def test_all_words_are_drawn() -> None:
    assert set(words_for(None).text(1, "a", 20_000).split()) == set(COMMON)
