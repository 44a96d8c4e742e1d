"""The search's decisions, on servers made of a formula and on golden queues."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from vgate.harness.capacity.evidence import Probe
from vgate.harness.capacity.queue import GoldenQueue, VirtualQueue
from vgate.harness.capacity.seek import Found, Goal, Measure, Seek

GOAL = Goal(allowed=0.05, tolerance=0.05, first=90, start=10.0, lowest=1.0, highest=1000.0, max_seconds=math.inf)
QUEUE = GoldenQueue(service_s=0.01, limit_s=0.15, exponential=True)


def server(share: Callable[[float], float]) -> Measure:
    """Requests are bad independently of each other, a share of them that depends on the rate."""

    def measure(rate: float, wanted: int, number: int) -> Probe:
        draw = np.random.default_rng([round(rate * 1e6), wanted, number])
        margins = np.where(draw.random(wanted) < share(rate), 2.0, 0.5)
        return Probe(rate, {"TTFT": margins}, wanted + 10, 1.0)

    return measure


def cliff(rate: float) -> float:
    return 0.001 if rate <= 37 else 0.8


def around(found: Found, truth: float, tolerance: float = 0.05) -> bool:
    """Whether the answer is right, and its 99 % ends stand on either side of the truth."""
    known = found.known
    assert known.crossing is not None
    assert known.passed is not None
    assert known.failed is not None
    near = abs(known.crossing.rate / truth - 1) <= tolerance
    return near and known.passed <= truth * 1.01 and known.failed >= truth * 0.99


@pytest.mark.parametrize("start", [3.0, 10.0, 500.0])
def test_a_cliff_is_found_from_below_and_above(start: float) -> None:
    found = Seek(server(cliff), replace(GOAL, start=start)).run()
    assert found.enough
    assert around(found, 37)
    assert found.stopped == "the answer is as exact as asked"
    assert found.sent == sum(probe.sent for probe in found.probes)


def test_a_slope_is_found_and_the_curve_holds_it() -> None:
    """0.05 (rate / 40)^8."""
    found = Seek(server(lambda rate: min(1.0, 0.05 * (rate / 40) ** 8)), GOAL).run()
    assert found.enough
    assert around(found, 40)
    assert found.known.crossing is not None
    assert found.known.crossing.low <= 40 <= found.known.crossing.high
    assert found.known.crossing.limit == "TTFT"


@pytest.mark.parametrize("seed", range(4))
def test_a_golden_queue(seed: int) -> None:
    """To the tolerance, but for one seed in fifty or so, which is not much further off."""
    found = Seek(VirtualQueue(QUEUE, seed, warmup_s=3.0), GOAL).run()
    assert found.known.crossing is not None
    assert found.known.crossing.rate == pytest.approx(QUEUE.capacity(0.05), rel=0.08)


def test_the_limit_that_gives_way_first_is_named() -> None:
    def measure(rate: float, wanted: int, number: int) -> Probe:
        slow, fast = server(cliff)(rate, wanted, number), server(lambda r: 0.8 * (r > 60))(rate, wanted, number)
        return replace(slow, margins={"TTFT": fast.margins["TTFT"], "TPOT": slow.margins["TTFT"]})

    found = Seek(measure, GOAL).run()
    assert found.known.crossing is not None
    assert found.known.crossing.limit == "TPOT"


def test_an_overloaded_rate_is_decided_by_one_window() -> None:
    """Latencies that rise through a window: no further one is asked for there."""

    def measure(rate: float, wanted: int, number: int) -> Probe:
        if rate <= 37:
            return server(cliff)(rate, wanted, number)
        return Probe(rate, {"TTFT": np.linspace(0.1, 3.0, wanted)}, wanted, 1.0)

    found = Seek(measure, GOAL).run()
    first = next(probe for probe in found.probes if probe.rate > 37)
    assert sum(probe.rate == first.rate for probe in found.probes) == 1
    assert around(found, 37)


def test_the_same_answers_make_the_same_questions() -> None:
    """So that a killed search, whose windows are kept, goes on where it was."""
    asked: list[tuple[float, int, int]] = []

    def measure(rate: float, wanted: int, number: int) -> Probe:
        asked.append((rate, wanted, number))
        return VirtualQueue(QUEUE, 3, warmup_s=3.0)(rate, wanted, number)

    first = Seek(measure, GOAL).run()
    once = asked.copy()
    asked.clear()
    assert Seek(measure, GOAL).run().known.crossing == first.known.crossing
    assert asked == once
    assert len(set(asked)) == len(asked)


def test_every_window_of_a_search_has_a_number_of_its_own() -> None:
    """Of which its seed follows: at another rate, too, it is not the same random numbers stretched."""
    numbers: list[int] = []
    rates: set[float] = set()

    def measure(rate: float, wanted: int, number: int) -> Probe:
        numbers.append(number)
        rates.add(rate)
        return server(cliff)(rate, wanted, number)

    found = Seek(measure, GOAL).run()
    assert len(rates) > 3
    assert numbers == list(range(len(found.probes)))


def test_windows_grow_where_much_is_known() -> None:
    found = Seek(VirtualQueue(QUEUE, 1, warmup_s=3.0), GOAL).run()
    counts = [probe.count for probe in found.probes]
    assert counts[0] < 150
    assert max(counts) > 1000


def test_targets_that_are_met_everywhere() -> None:
    found = Seek(server(lambda _: 0.0), replace(GOAL, highest=100.0)).run()
    assert not found.enough
    assert found.known.passed == 100
    assert found.known.crossing is None
    assert "capacity.highest_rate forbids" in found.stopped


def test_targets_that_are_met_nowhere() -> None:
    found = Seek(server(lambda _: 0.5), GOAL).run()
    assert found.known.passed is None
    assert found.stopped == "the targets are missed even at 1/s, so it is not the rate that matters"
    assert not found.enough


def test_out_of_time() -> None:
    found = Seek(server(cliff), replace(GOAL, max_seconds=2.0)).run()
    assert "minutes were measured" in found.stopped
    assert not found.enough
    assert found.seconds == 2.0


def test_a_window_that_cannot_be_believed_is_measured_again() -> None:
    def measure(rate: float, wanted: int, number: int) -> Probe:
        probe = server(cliff)(rate, wanted, number)
        return replace(probe, faults=("the load driver sent late",)) if number == 0 else probe

    found = Seek(measure, GOAL).run()
    assert found.enough
    assert any(probe.faults for probe in found.probes)
    assert not any(probe.faults for at in found.known.evidence.values() for probe in at.probes)


def test_given_again_it_tries_again_what_could_not_be_believed() -> None:
    """Three tries each time, with other requests; those of earlier sittings are kept and are none of them."""
    measured: dict[int, Probe] = {}
    quiet_from = math.inf

    def measure(rate: float, wanted: int, number: int) -> Probe:
        if number in measured:
            return replace(measured[number], kept=True)
        probe = server(cliff)(rate, wanted, number)
        measured[number] = probe if number >= quiet_from else replace(probe, faults=("the load driver sent late",))
        return measured[number]

    assert len(Seek(measure, GOAL).run().probes) == 3
    assert len(Seek(measure, GOAL).run().probes) == 6
    quiet_from = 7
    found = Seek(measure, GOAL).run()
    assert found.enough
    assert sum(bool(probe.faults) for probe in found.probes) == 7


def test_a_window_that_could_not_be_measured_keeps_its_number() -> None:
    """It is the same window when it is tried again, now or in a later sitting: what comes after it stays the same."""
    asked: list[int] = []

    def measure(rate: float, wanted: int, number: int) -> Probe | None:
        asked.append(number)
        return None if len(asked) == 2 else server(cliff)(rate, wanted, number)

    found = Seek(measure, GOAL).run()
    assert asked[:4] == [0, 1, 1, 2]
    assert found.known.crossing == Seek(server(cliff), GOAL).run().known.crossing


def test_a_rate_that_can_never_be_believed_ends_the_search() -> None:
    def measure(rate: float, wanted: int, number: int) -> Probe:
        probe = server(cliff)(rate, wanted, number)
        return replace(probe, faults=("the load driver sent late",)) if rate > 15 else probe

    found = Seek(measure, GOAL).run()
    assert not found.enough
    assert list(found.known.evidence) == [10.0]
    assert found.stopped.endswith("may not be believed: the load driver sent late")


def test_what_cannot_be_measured_ends_the_search() -> None:
    found = Seek(lambda rate, wanted, number: None, GOAL).run()
    assert found.known.passed is None
    assert found.stopped == "at 10/s nothing could be measured"
    assert found.known.evidence == {}
