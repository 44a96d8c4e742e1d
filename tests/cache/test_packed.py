import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cache.kept import answer
from vgate.cache.packed import pack, unpack
from vgate.types import Answer, Event, Usage

COUNTS = st.integers(0, 2**63)
EVENTS = st.builds(Event, st.binary(), st.booleans(), st.none() | st.builds(Usage, COUNTS, COUNTS), st.booleans())
ANSWERS = st.builds(Answer, st.text(st.characters(codec="utf-8")), st.lists(EVENTS, max_size=6).map(tuple))


@given(ANSWERS)
def test_C12_what_is_unpacked_is_what_was_packed(whole: Answer) -> None:
    assert unpack(pack(whole)) == whole
    assert [type(event.content) for event in unpack(pack(whole)).events] == [bool] * len(whole.events)


@given(ANSWERS, st.data())
def test_a_part_of_it_is_no_answer(whole: Answer, data: st.DataObject) -> None:
    packed = pack(whole)
    with pytest.raises(ValueError, match="not a packed answer"):
        unpack(packed[: data.draw(st.integers(0, len(packed) - 1))])


@given(st.binary(max_size=100))
def test_any_bytes_are_an_answer_or_a_value_error(data: bytes) -> None:
    try:
        unpack(data)
    except ValueError:
        return
    assert len(data) >= 12


def test_it_is_a_fraction_of_the_answers_own_size() -> None:
    """500 events of 5 bytes each: 9 bytes for an event instead of some 150."""
    assert len(pack(answer("1", *[b"hello"] * 500))) < 500 * 9.2
