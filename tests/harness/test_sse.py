import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgate.harness.sse import events


def read_in(*pieces: bytes) -> list[tuple[int, bytes]]:
    """The events of a stream whose pieces came at 1, 2, 3, ..."""
    return list(events(b"".join(pieces), [(index + 1, len(piece)) for index, piece in enumerate(pieces)]))


def test_an_event_is_stamped_by_the_read_that_completed_it() -> None:
    assert read_in(b"data: a\n\ndata: b\n", b"\ndata: c\n\n") == [(1, b"a"), (2, b"b"), (2, b"c")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_line_ends(end: bytes) -> None:
    assert read_in(b"data: a" + end + end + b"data:b" + end + end) == [(1, b"a"), (1, b"b")]


def test_lines_of_one_event_are_joined() -> None:
    assert read_in(b"event: x\ndata: {\ndata: }\n\n") == [(1, b"{\n}")]


def test_comments_and_an_unfinished_event_are_left_out() -> None:
    assert read_in(b": ping\n\ndata: a\n\n", b"data: b\n") == [(1, b"a")]


@given(st.lists(st.text(st.characters(exclude_characters="\r\n"), min_size=1), max_size=8), st.data())
def test_S7_any_split_gives_the_same_events(texts: list[str], data: st.DataObject) -> None:
    """Also inside a character, inside a line end, byte by byte; stamps never go back."""
    body = "".join(f"data: {text}\n\n" for text in texts).encode()
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(body) - 1)))))
    pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    found = read_in(*[piece for piece in pieces if piece])
    assert [text for _, text in found] == [text.encode() for text in texts]
    assert [stamp for stamp, _ in found] == sorted(stamp for stamp, _ in found)
