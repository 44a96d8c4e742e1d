"""One answer in the making, read by several clients."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from tests.dedup.sources import Source, read
from vgate.dedup.flight import AHEAD_BYTES, Flight
from vgate.errors import BadRequest, TooSlow
from vgate.types import Event, Usage


class Over:
    """Counts how often a flight said that nobody may join any more."""

    def __init__(self) -> None:
        self.flights: list[Flight] = []

    def __call__(self, flight: Flight) -> None:
        self.flights.append(flight)


async def test_events_reach_a_reader_as_they_are_made() -> None:
    times: list[float] = []
    flight = Flight("1", Source(3)(), Over())
    await read(flight.read(), also=lambda _event: times.append(asyncio.get_running_loop().time()))
    assert times == pytest.approx([0.1, 0.2, 0.3])


async def test_who_comes_after_the_end_still_gets_everything() -> None:
    source = Source(3)
    flight = Flight("1", source(), Over())
    await read(flight.read())
    assert await read(flight.read()) == source.events


async def test_D3_who_comes_after_an_error_gets_the_error() -> None:
    flight = Flight("1", Source(1, error=BadRequest("no"))(), Over())
    for _ in range(2):
        with pytest.raises(BadRequest, match="no"):
            await read(flight.read())


async def test_it_says_once_the_source_has_ended_that_it_is_over() -> None:
    over = Over()
    flight = Flight("1", Source(3)(), over)
    assert not over.flights
    await read(flight.read())
    assert over.flights == [flight]


async def test_D4_it_is_over_before_the_source_is_closed() -> None:
    """Closing takes time: vLLM is told to abort. Nobody may join meanwhile."""
    over = Over()

    async def closes_slowly() -> "object":
        try:
            await asyncio.sleep(1000)
            yield Event(b"never")
        finally:
            assert over.flights
            await asyncio.sleep(1)

    flight = Flight("1", closes_slowly(), over)
    reader = asyncio.create_task(read(flight.read()))
    await asyncio.sleep(0.5)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    assert set(over.flights) == {flight}
    assert asyncio.get_running_loop().time() == 1.5


async def test_D4_a_reader_that_stops_midway_is_gone_though_nobody_cancelled_it() -> None:
    source = Source(100)
    flight = Flight("1", source(), Over())
    assert await read(flight.read(), most=2) == source.events[:2]
    assert source.closed_at == [pytest.approx(0.2)]


async def test_D9_a_stalled_reader_costs_the_answer_once_not_once_for_each() -> None:
    """What a reader has not taken yet is the one list of events that all share."""
    flight = Flight("1", Source(5)(), Over())
    stalled = [flight.read() for _ in range(3)]
    firsts = [await anext(events) for events in stalled]
    await asyncio.sleep(10)
    assert len(flight._kept) == 5
    assert all(first is firsts[0] for first in firsts)
    for events in stalled:
        await events.aclose()


KB = Event(b"x" * 896, content=True)  # 1,024 bytes with what is around it


async def kilobytes(count: int, step_s: float = 0.0) -> AsyncGenerator[Event, None]:
    """An answer of so many KiB."""
    for _ in range(count):
        await asyncio.sleep(step_s)
        yield KB
    yield Event(b"end", usage=Usage(1, count))


async def test_D9_what_is_kept_is_bounded_however_many_stall() -> None:
    most = 0
    flight = Flight("1", kilobytes(5000), max_bytes=300 * 1024)
    stalled = [flight.read() for _ in range(100)]
    for one in stalled:
        await anext(one)

    def watch(_event: Event) -> None:
        nonlocal most
        most = max(most, flight.kept_bytes)

    assert len(await read(flight.read(), also=watch)) == 5001
    assert 250 * 1024 < most <= 301 * 1024
    for one in stalled:
        with pytest.raises(TooSlow):
            await anext(one)
        await one.aclose()


async def test_D9_who_is_slow_but_not_too_slow_gets_everything() -> None:
    flight = Flight("1", kilobytes(1000, step_s=0.01), max_bytes=300 * 1024)
    slow = asyncio.create_task(read(flight.read(), pace_s=0.012))
    assert len(await read(flight.read())) == len(await slow) == 1001


async def test_S10_a_source_waits_where_nobody_follows_and_goes_on_when_somebody_does() -> None:
    """Nobody is held up, for nobody is there who could have had more."""
    flight = Flight("1", kilobytes(1000), max_bytes=300 * 1024)
    stalled = [flight.read() for _ in range(3)]
    await anext(stalled[0])
    await asyncio.sleep(10)
    assert flight.kept_bytes <= AHEAD_BYTES + 2 * 1024
    assert [len(got) for got in await asyncio.gather(*(read(one) for one in stalled))] == [1000, 1001, 1001]


async def test_S10_a_source_that_waited_is_closed_when_all_have_left() -> None:
    flight = Flight("1", kilobytes(1000))
    stalled = [flight.read() for _ in range(3)]
    await asyncio.sleep(10)
    for one in stalled:
        await one.aclose()
    assert flight._task.done()


async def test_S10_the_quickest_leaves_and_the_source_waits_for_the_next() -> None:
    flight = Flight("1", kilobytes(1000), max_bytes=300 * 1024)
    stalled = flight.read()
    await read(flight.read(), most=100)
    await asyncio.sleep(10)
    assert flight.kept_bytes < 200 * 1024
    assert len(await read(stalled)) == 1001


async def test_S10_a_source_in_a_hurry_lets_a_stalled_reader_go_and_is_closed_with_the_last() -> None:
    over = Over()
    flight = Flight("1", kilobytes(1000, step_s=0.001), over, max_bytes=300 * 1024, patient=False)
    stalled = [flight.read() for _ in range(2)]
    await asyncio.sleep(10)
    assert flight._task.done()
    assert flight in over.flights
    for one in stalled:
        with pytest.raises(TooSlow):
            await anext(one)


async def test_D3_an_error_raised_for_many_does_not_grow_with_them() -> None:
    """Each raise adds to an exception's traceback, and that holds on to all it went through."""
    flight = Flight("1", Source(1, error=BadRequest("no"))())
    lengths = []
    for _ in range(3):
        with pytest.raises(BadRequest) as caught:
            await read(flight.read())
        lengths.append(len(caught.traceback))
    assert len(set(lengths)) == 1


async def test_D8_what_comes_after_the_answer_is_neither_waited_for_nor_stopped() -> None:
    stored = []

    async def storing() -> AsyncGenerator[Event, None]:
        yield Event(b"end", usage=Usage(1, 1))
        await asyncio.sleep(50)
        stored.append(asyncio.get_running_loop().time())

    assert len(await read(Flight("1", storing()).read())) == 1
    assert asyncio.get_running_loop().time() == 0
    await asyncio.sleep(51)
    assert stored == [50]


async def test_an_error_after_the_answer_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def failing() -> AsyncGenerator[Event, None]:
        yield Event(b"end", usage=Usage(1, 1))
        raise ValueError("late")

    assert len(await read(Flight("1", failing()).read())) == 1
    assert [record.message for record in caplog.records] == ["an answer was given, but could not be finished"]


async def test_S10_a_patient_source_drops_nobody_for_being_slow_alone() -> None:
    """However small the bound is: the source waits for its quickest reader."""
    flight = Flight("1", Source(40, step_s=0.01)(), max_bytes=1000)
    assert len(await read(flight.read(), pace_s=0.5)) == 40


async def test_D9_a_burst_drops_nobody_who_reads() -> None:
    """More than the bound in one go: readers have had no turn yet, which is not to be slow."""

    async def burst() -> AsyncGenerator[Event, None]:
        for _ in range(1000):
            yield KB
        yield Event(b"end", usage=Usage(1, 1000))

    flight = Flight("1", burst(), max_bytes=10 * 1024, patient=False)

    async def count() -> int:
        return len([event async for event in flight.read()])

    assert await asyncio.gather(*(count() for _ in range(5))) == [1001] * 5
