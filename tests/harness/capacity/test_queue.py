"""The golden queue: its simulation agrees with its closed form, and that with the textbook."""

import math

import pytest

from vgate.harness.capacity.queue import LIMIT, GoldenQueue, VirtualQueue

MM1 = GoldenQueue(service_s=0.01, limit_s=0.1, exponential=True)
MD1 = GoldenQueue(service_s=0.01, limit_s=0.05, exponential=False)


def test_exponential_service() -> None:
    """At utilisation 0.5 the time in the system is exponential with rate 50/s."""
    assert MM1.late(50) == pytest.approx(math.exp(-5))
    assert MM1.capacity(0.01) == pytest.approx(100 - math.log(100) / 0.1)


def test_constant_service_without_room_to_wait() -> None:
    """Who finds the server busy is late: a share equal to the utilisation."""
    assert GoldenQueue(0.01, 0.01, exponential=False).late(70) == pytest.approx(0.7)


def test_constant_service_with_one_service_time_to_wait() -> None:
    """Erlang's sum has one term that does not vanish: P(W <= D) = (1 - rho) exp(rho)."""
    assert GoldenQueue(0.01, 0.02, exponential=False).late(60) == pytest.approx(1 - 0.4 * math.exp(0.6))


@pytest.mark.parametrize("queue", [MM1, MD1], ids=["M/M/1", "M/D/1"])
def test_more_load_makes_more_late_and_overload_all(queue: GoldenQueue) -> None:
    shares = [queue.late(rate) for rate in range(5, 100, 5)]
    assert shares == sorted(shares)
    assert queue.late(100) == queue.late(150) == 1.0
    assert queue.late(queue.capacity(0.02)) == pytest.approx(0.02)


@pytest.mark.parametrize("queue", [MM1, MD1], ids=["M/M/1", "M/D/1"])
def test_the_simulation_agrees(queue: GoldenQueue) -> None:
    rate = queue.capacity(0.05)
    probe = VirtualQueue(queue, seed=1, warmup_s=10.0)(rate, 1_000_000, 0)
    assert float((probe.margins[LIMIT] > 1).mean()) == pytest.approx(0.05, rel=0.04)
    assert probe.count == pytest.approx(1_000_000, rel=0.01)
    assert probe.sent == pytest.approx(probe.count + 10 * rate, rel=0.01)


def test_windows_differ_by_number_and_repeat_by_seed() -> None:
    measure = VirtualQueue(MM1, seed=1, warmup_s=1.0)
    first, again, other = measure(50, 500, 0), measure(50, 500, 0), measure(50, 500, 1)
    assert (first.margins[LIMIT] == again.margins[LIMIT]).all()
    assert first.margins[LIMIT][0] != other.margins[LIMIT][0]
