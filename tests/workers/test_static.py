from tests.workers.rigs import specs
from vgate.workers.static import Static


async def test_the_list_is_told_once() -> None:
    assert [found async for found in Static(specs(2)).watch()] == [specs(2)]
    assert not Static(specs(2)).same_as(Static(specs(2))), "their keys may lie in files"
