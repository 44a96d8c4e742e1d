import pytest

from tests.routing.hints import workers
from vgate.routing.prefix import blocks, home


def test_a_block_stands_for_all_before_it() -> None:
    one, other = blocks(b"aaaabbbbcccc", 4, "m"), blocks(b"aaaaXbbbcccc", 4, "m")
    assert one[0] == other[0]
    assert {*one[1:]} & {*other[1:]} == set()


def test_only_whole_blocks_count() -> None:
    assert blocks(b"abc", 4, None) == []
    assert len(blocks(b"abcdefg", 4, None)) == 1
    assert blocks(b"abcdefg", 4, None) == blocks(b"abcdxyz", 4, None)


def test_models_share_nothing() -> None:
    assert blocks(b"abcd", 4, "m") != blocks(b"abcd", 4, "n")


def test_they_are_the_same_in_every_process() -> None:
    assert [block.hex() for block in blocks(b"abcdabcd", 4, "m")] == ["c05a0b933776ed4d", "548e9a6e1cb57fbd"]


@pytest.mark.parametrize("count", [1, 2, 16])
def test_homes_are_spread_evenly(count: int) -> None:
    fleet = workers(count)
    found = [home(blocks(f"{number:04}".encode(), 4, None)[0], fleet) for number in range(3200)]
    share = 3200 / count
    assert all(0.75 * share <= found.count(one) <= 1.25 * share for one in fleet)
