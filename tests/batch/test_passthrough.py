from tests.batch.inside import Inside
from tests.components import build


async def test_B1_nobody_waits() -> None:
    inside = Inside(build("batch", "passthrough"))
    await inside.all([1.0] * 50)
    assert [time for time, _, _ in inside.entries] == [0.0] * 50


async def test_each_request_is_a_batch_of_its_own() -> None:
    """Whatever the size says: the key is there for grids that span all strategies."""
    inside = Inside(build("batch", "passthrough", max_batch_size=8))
    await inside.all([1.0] * 3)
    assert [(batch, size) for _, batch, size in inside.entries] == [(1, 1), (2, 1), (3, 1)]
