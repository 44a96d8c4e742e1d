"""What the terminal shows while a sweep runs."""

import shutil
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import TextIO

from vgate.harness.cells import Cell

FIRST_GUESS_START_S = 20.0  # an engine start, before one has been seen
OVERHEAD_S = 3.0  # of a cell, before one has been seen: driver start, drain, decoding


class Progress:
    """One line per finished step; on a terminal also a line that keeps itself up to date."""

    def __init__(
        self,
        cells: list[Cell],
        out: TextIO = sys.stderr,
        clock: Callable[[], float] = time.monotonic,
        open_ended: bool = False,
    ) -> None:
        """open_ended: what comes after depends on what is measured, so nothing is said of the time left."""
        self._open_ended = open_ended
        self._todo = list(cells)
        self._cell: Cell | None = None
        self._count = len(cells)
        self._out = out
        self._clock = clock
        self._live = out.isatty()
        self._doing = ""
        self._since = clock()
        self._overheads: list[float] = []
        self._starts: list[float] = []
        self._starting = self._measuring = False
        self._last_drawn = 0.0

    def say(self, words: str) -> None:
        """A line that stays."""
        self._clear()
        print(words, file=self._out, flush=True)

    def start_server(self) -> None:
        """The next cell's server is being started."""
        self._begin(f"starting the server for cell {self._number} of {self._count}", starting=True)

    def server_started(self) -> None:
        self._starts.append(self._clock() - self._since)
        self.say(f"server ready after {self._starts[-1]:.1f} s")

    def turn_to(self, cell: Cell) -> None:
        """This cell is next. One that was not foreseen counts from now on."""
        self._cell = cell
        if not any(known is cell for known in self._todo):
            self._todo.insert(0, cell)
            self._count += 1
        self._begin(f"cell {self._number} of {self._count}: {cell.label}", starting=False)

    def start_cell(self, cell: Cell) -> None:
        """The cell is being measured."""
        self.turn_to(cell)
        self._measuring = True
        rounds = f", round {cell.round + 1} of {cell.settings.trial.rounds}" if cell.settings.trial.rounds > 1 else ""
        self._doing += rounds
        if not self._live:
            self.say(self._doing if self._open_ended else f"{self._doing}; about {self._left()} left in all")

    def end_cell(self, outcome: str) -> None:
        """The cell is done; `outcome` is a word on it."""
        cell = self._cell
        assert cell is not None  # turned to, before
        self._todo = [other for other in self._todo if other is not cell]
        took = self._clock() - self._since
        if self._measuring:
            self._overheads.append(took - _planned(cell))
        self.say(f"{self._doing}: {outcome} ({took:.0f} s)")

    def drop(self, cells: list[Cell], why: str) -> None:
        """These will not be measured."""
        known = len(self._todo)
        self._todo = [cell for cell in self._todo if not any(cell is other for other in cells)]
        self._count -= known - len(self._todo)
        self.say(f"{why}; {_times(len(cells))} less, about {_minutes(self.seconds_left())} left in all")

    def tick(self) -> None:
        """Redraw, at most ten times a second."""
        if self._live and self._clock() - self._last_drawn >= 0.1:
            self._last_drawn = self._clock()
            left = "" if self._open_ended else f"; about {self._left()} left"
            line = f"{self._doing}  {self._clock() - self._since:.0f} s{left}"
            columns = shutil.get_terminal_size().columns
            print(f"\r\x1b[K{line[: columns - 1]}", end="", file=self._out, flush=True)

    def seconds_left(self) -> float:
        """From what is planned, and how much longer than planned the finished steps took."""
        overhead = _mean(self._overheads, OVERHEAD_S)
        cells = sum(_planned(cell) + overhead for cell in self._todo)
        engines = [cell.engine_hash for cell in self._todo]
        changes = sum(a != b for a, b in pairwise(engines)) + self._starting
        return max(0.0, cells + changes * _mean(self._starts, FIRST_GUESS_START_S) - (self._clock() - self._since))

    def _left(self) -> str:
        return _minutes(self.seconds_left())

    @property
    def _number(self) -> int:
        return self._count - len(self._todo) + 1

    def _begin(self, words: str, starting: bool) -> None:
        self._doing, self._since, self._starting, self._measuring = words, self._clock(), starting, False

    def _clear(self) -> None:
        if self._live:
            print("\r\x1b[K", end="", file=self._out)


def _planned(cell: Cell) -> float:
    trial = cell.settings.trial
    return trial.warmup_s + trial.duration_s


def _times(count: int) -> str:
    return "1 measurement" if count == 1 else f"{count} measurements"


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _minutes(seconds: float) -> str:
    return f"{round(seconds)} s" if seconds < 100 else f"{round(seconds / 60)} min"
