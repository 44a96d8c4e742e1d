import pytest

from vgate.harness.golden.shapes import SHAPES, Shape


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("count", [1, 2, 3, 16, 17])
def test_all_tokens_are_said(name: str, count: int) -> None:
    chunks = list(SHAPES[name].chunks(count))
    assert sum(size for size, _ in chunks) == count
    assert chunks[-1][1]


def test_bundles() -> None:
    assert list(Shape(bundle=3).chunks(7)) == [(3, "xxx"), (3, "xxx"), (1, "x")]


def test_split_characters_have_a_token_without_text() -> None:
    assert list(Shape(split=True).chunks(3)) == [(1, ""), (1, "🙂"), (1, "é")]
