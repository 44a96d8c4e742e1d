import random
from pathlib import Path

import pytest

from tests.harness.rows import FakeRun, steady
from vgate.harness.contenders import Contender
from vgate.harness.pruning import RISK, confidence, losers, surely_worse
from vgate.harness.results import Result, load_run

FAST, SLOW, NEAR = ({"batch": name} for name in ("passthrough", "lockstep", "time_window"))


def measured(path: Path, *rounds: tuple[int, int, int], **changes: float) -> list[Result]:
    """Good requests per second of FAST, SLOW and NEAR, round by round."""
    run = FakeRun(path / "run")
    for number, goods in enumerate(rounds):
        for axes, good in zip((FAST, SLOW, NEAR), goods, strict=True):
            run.add(steady(good), axes, round=number, **(changes if axes is SLOW else {}))
    return load_run(run.path).results


def test_who_is_far_behind_in_every_round_is_dropped(tmp_path: Path) -> None:
    """100, 50 and 99 with a drift of 20 % that hits all alike: the differences to the leader are 50 and about 1."""
    (dropped,) = surely_worse(measured(tmp_path, (100, 50, 99), (120, 70, 119), (110, 60, 108)), 3, candidates=3)
    assert dropped.name == "batch=lockstep"
    assert dropped.key == str(SLOW)
    assert dropped.words == (
        "batch=lockstep was dropped after 3 rounds: surely at least 45.5% fewer good requests/s than batch=passthrough"
    )


def test_nobody_is_dropped_before_the_third_round(tmp_path: Path) -> None:
    assert surely_worse(measured(tmp_path, (100, 50, 99), (100, 50, 99)), 2, candidates=3) == []


def test_a_difference_that_changes_its_size_is_not_sure(tmp_path: Path) -> None:
    """An interval of 95 % would be enough for these; the one that several looks at several cells need is not."""
    results = measured(tmp_path, (100, 60, 99), (100, 75, 99), (100, 68, 99))
    assert surely_worse(results, 3, candidates=3) == []


def test_invalid_measurements_drop_nobody(tmp_path: Path) -> None:
    results = measured(tmp_path, (100, 50, 99), (120, 70, 119), (110, 60, 108), cpu_share=0.95)
    assert surely_worse(results, 3, candidates=3) == []


def test_what_requests_at_the_edges_can_make_is_no_difference(tmp_path: Path) -> None:
    """Sixteen users in step are 16 % of 100 requests; 90 in every round is not surely less."""
    run = FakeRun(tmp_path / "run")
    for number in range(3):
        run.add(steady(100), FAST, round=number, load={"users": 16})
        run.add(steady(90), SLOW, round=number, load={"users": 16})
    assert surely_worse(load_run(run.path).results, 3, candidates=2) == []


def test_nobody_is_dropped_for_having_been_asked_less(tmp_path: Path) -> None:
    """At half the rate there is half as much to be had; at each rate the slower one is dropped."""
    run = FakeRun(tmp_path / "run")
    for number in range(3):
        for rate, fast, slow in ((100, 100, 50), (50, 50, 20)):
            for axes, good in ((FAST, fast), (SLOW, slow)):
                run.add(steady(good + number), {**axes, "load.rate": str(rate)}, round=number, load={"rate": rate})
    dropped = surely_worse(load_run(run.path).results, 3, candidates=4)
    assert {one.name: one.leader for one in dropped} == {
        "batch=lockstep load.rate=100": "batch=passthrough load.rate=100",
        "batch=lockstep load.rate=50": "batch=passthrough load.rate=50",
    }


def test_who_cannot_win_drops_nobody(tmp_path: Path) -> None:
    """The fastest is INVALID in a round, so the next one may be the winner."""
    run = FakeRun(tmp_path / "run")
    for number in range(4):
        run.add(steady(200 + number), FAST, round=number, cpu_share=0.95 if number == 1 else 0.1)
        run.add(steady(100 + number), SLOW, round=number)
        run.add(steady(50 + number), NEAR, round=number)
    (dropped,) = surely_worse(load_run(run.path).results, 4, candidates=3)
    assert (dropped.name, dropped.leader) == ("batch=time_window", "batch=lockstep")


def test_the_risk_is_shared_out() -> None:
    """Whatever the number of looks and of candidates, the parts never add up to more than the whole."""
    for candidates in (2, 3, 12):
        spent = sum((1 - confidence(rounds, candidates)) / 2 * (candidates - 1) for rounds in range(3, 2000))
        assert 0.99 * RISK < spent < RISK


def contender(name: str, values: list[float]) -> Contender:
    return Contender(name, [name], {number: {name: value} for number, value in enumerate(values)})


def drops_the_best(draw: random.Random, candidates: int, rounds: int, level: float | None) -> bool:
    """A sweep in which the first is the best by a hair; every round shares a drift, and noise has a heavy tail."""
    values: dict[str, list[float]] = {str(index): [] for index in range(candidates)}
    for done in range(1, rounds):
        drift = draw.lognormvariate(0, 0.1)
        for name, seen in values.items():
            seen.append((100.0 if name == "0" else 99.9) * drift * draw.lognormvariate(0, 0.1))
        if done < 3:
            continue
        found = [contender(name, seen) for name, seen in values.items()]
        found.sort(key=lambda one: one.mean, reverse=True)
        for loser, _ in losers(found, confidence(done, candidates) if level is None else level):
            if loser.key == "0":
                return True
            del values[loser.key]
    return False


@pytest.mark.parametrize(("level", "least", "most"), [(None, 0.0, RISK), (0.95, 0.05, 1.0)])
def test_the_best_is_dropped_as_seldom_as_promised(level: float | None, least: float, most: float) -> None:
    """300 sweeps of 6 configurations and 8 rounds each. With 95 % at each look, the best would be lost in many."""
    draw = random.Random(1)
    lost = sum(drops_the_best(draw, candidates=6, rounds=8, level=level) for _ in range(300))
    assert least <= lost / 300 <= most
