"""One answer in the making, read by several clients."""

import asyncio

import pytest

from tests.dedup.sources import Source, read
from vgate.dedup.flight import Flight
from vgate.errors import BadRequest
from vgate.types import Event


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
    assert len(flight._events) == 5
    assert all(first is firsts[0] for first in firsts)
    for events in stalled:
        await events.aclose()
