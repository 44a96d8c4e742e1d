import io

import pytest

from vgate.harness.cells import Cell, expand
from vgate.harness.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    timing = ["trial.warmup_s=2", "trial.duration_s=8"]
    return expand(["engine=dry_run", "batch=lockstep,passthrough", "load.users=1,2", *timing], multirun=True)


def run(progress: Progress, clock: Clock, cells: list[Cell], took: float) -> None:
    for cell in cells:
        progress.start_cell(cell)
        clock.now += took
        progress.end_cell("done")


def test_lines_without_a_terminal(cells: list[Cell]) -> None:
    out, clock = io.StringIO(), Clock()
    progress = Progress(cells, out, clock)
    progress.start_server()
    clock.now += 30
    progress.server_started()
    run(progress, clock, cells[:1], took=15)
    assert out.getvalue().splitlines() == [
        "server ready after 30.0 s",
        "cell 1 of 4: batch=lockstep load.users=1; about 52 s left in all",
        "cell 1 of 4: batch=lockstep load.users=1: done (15 s)",
    ]


def test_the_time_left_learns_from_finished_cells(cells: list[Cell]) -> None:
    """10 s are planned for each; the first two took 5 s longer, so the last two are expected to."""
    clock = Clock()
    progress = Progress(cells, io.StringIO(), clock)
    run(progress, clock, cells[:2], took=15)
    progress.start_cell(cells[2])
    assert progress.seconds_left() == 30
    clock.now += 4
    assert progress.seconds_left() == 26


def test_engine_starts_still_to_come_are_counted() -> None:
    clock = Clock()
    cells = expand(["engine=dry_run", "engine.decode_step_ms=5,10", "trial.duration_s=10", "trial.warmup_s=0"], True)
    progress = Progress(cells, io.StringIO(), clock)
    progress.start_server()
    clock.now += 40
    progress.server_started()
    progress.start_cell(cells[0])
    assert progress.seconds_left() == 2 * 13 + 40


def test_a_terminal_line_keeps_itself_up_to_date(cells: list[Cell], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    out, clock = Terminal(), Clock()
    progress = Progress(cells, out, clock)
    progress.start_cell(cells[0])
    clock.now += 1
    progress.tick()
    progress.tick()
    line = "\r\x1b[Kcell 1 of 4: batch=lockstep load.users=1  1 s; about 51 s left"
    assert out.getvalue() == line
    progress.end_cell("done")
    assert out.getvalue().endswith("\r\x1b[Kcell 1 of 4: batch=lockstep load.users=1: done (1 s)\n")


def test_rounds_are_named() -> None:
    out = io.StringIO()
    cells = expand(["engine=dry_run", "trial.rounds=3"], False)
    Progress(cells, out, Clock()).start_cell(cells[1])
    assert "round 2 of 3" in out.getvalue()


def test_a_narrow_terminal_gets_a_line_it_can_hold(cells: list[Cell], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    out, clock = Terminal(), Clock()
    progress = Progress(cells, out, clock)
    progress.start_cell(cells[0])
    clock.now += 1
    progress.tick()
    assert out.getvalue() == "\r\x1b[Kcell 1 of 4: batch="
