from collections import Counter
from dataclasses import replace

import pytest

from vgate.harness.cells import Cell, expand
from vgate.harness.order import blocks, ordered

SWEEP = ["engine=dry_run", "batch=lockstep,time_window,passthrough,adaptive", "engine.decode_step_ms=5,10"]


@pytest.fixture(scope="module")
def sweep() -> list[Cell]:
    return expand([*SWEEP, "trial.rounds=3"], multirun=True)


def seeded(cell: Cell, seed: int) -> Cell:
    trial = cell.settings.trial.model_copy(update={"seed": seed})
    container = {**cell.container, "trial": {**cell.container["trial"], "seed": seed}}
    return replace(cell, settings=cell.settings.model_copy(update={"trial": trial}), container=container)


def names(block: list[Cell]) -> list[str]:
    return [cell.axes["batch"] for cell in block]


def test_each_engine_starts_once_and_each_of_its_rounds_holds_every_cell(sweep: list[Cell]) -> None:
    engines = blocks(sweep)
    assert [len(engine) for engine in engines] == [3, 3]
    for engine in engines:
        assert len({cell.engine_hash for block in engine for cell in block}) == 1
        assert [{cell.round for cell in block} for block in engine] == [{0}, {1}, {2}]
        assert {tuple(sorted(names(block))) for block in engine} == {
            ("adaptive", "lockstep", "passthrough", "time_window")
        }
    assert [cell.axes["engine.decode_step_ms"] for cell in ordered(sweep)] == ["5"] * 12 + ["10"] * 12


def test_nothing_is_lost_or_repeated(sweep: list[Cell]) -> None:
    assert Counter(cell.key for cell in ordered(sweep)) == Counter(cell.key for cell in sweep)


def test_the_order_within_a_block_is_another_one_each_time() -> None:
    """Of 24 orders twenty draws meet about 14; fewer than nine in one of 8,000 cases."""
    sweep = expand([*SWEEP, "trial.rounds=10"], multirun=True)
    drawn = {tuple(names(block)) for engine in blocks(sweep) for block in engine}
    assert len(drawn) >= 9


def test_the_seed_decides(sweep: list[Cell]) -> None:
    assert ordered(sweep[::-1]) != ordered(sweep)  # engines come in the order in which they are named
    assert [names(block) for block in blocks(sweep[::-1])[1]] == [names(block) for block in blocks(sweep)[0]]
    other = [names(block) for engine in blocks([seeded(cell, 1) for cell in sweep]) for block in engine]
    assert other != [names(block) for engine in blocks(sweep) for block in engine]


def test_what_is_left_keeps_its_order(sweep: list[Cell]) -> None:
    """A sweep that was killed, or has got more rounds or cells, goes on as it began."""
    left = [cell for cell in ordered(sweep) if cell.round or cell.axes["batch"] != "lockstep"]
    assert ordered([cell for cell in sweep if cell in left]) == left


def test_every_place_in_a_block_is_as_likely() -> None:
    """The first of four cells over 400 drawn blocks: 100 each; beyond 60 to 140 once in 20,000 times."""
    two = expand(["engine=dry_run", "batch=lockstep,passthrough", "cache=none,lru", "trial.rounds=400"], multirun=True)
    first = Counter(block[0].label for engine in blocks(two) for block in engine)
    assert len(first) == 4
    assert all(60 < count < 140 for count in first.values())
