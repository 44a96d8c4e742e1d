"""In which order the cells of a sweep are measured: few engine starts, and no favourites."""

from vgate.harness.cells import Cell
from vgate.load.seeds import derive


def blocks(cells: list[Cell]) -> list[list[list[Cell]]]:
    """The cells as engines of blocks of cells. Each engine starts once, in the order in which the engines are named.

    A block is a round: every cell of the engine once, so what the machine does from one block to the next happens to
    all alike. Within a block the order is a random permutation, another one in each round, so what it does within a
    block favours nobody. A cell's place follows from `trial.seed` and the cell alone: a sweep goes on as it began.
    """
    engines: dict[str, dict[int, list[Cell]]] = {}
    for cell in cells:
        engines.setdefault(cell.engine_hash, {}).setdefault(cell.round, []).append(cell)
    return [[sorted(rounds[number], key=_place) for number in sorted(rounds)] for rounds in engines.values()]


def ordered(cells: list[Cell]) -> list[Cell]:
    """`blocks`, one after the other."""
    return [cell for engine in blocks(cells) for block in engine for cell in block]


def _place(cell: Cell) -> int:
    return derive(cell.settings.trial.seed, f"order:{cell.key}")
