"""The servers of a comparison: one, or both at once."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from vgate.harness.cells import Cell
from vgate.harness.comparing.metric import Measured, Metric
from vgate.harness.comparing.sides import Sides
from vgate.harness.progress import Progress
from vgate.harness.rig import Rig
from vgate.harness.store import RunFolder

# Of the memory that vLLM's engines share; the rest is the driver's and whoever else's.
MOST_MEMORY = 0.9


def both_fit(sides: Sides) -> bool:
    """Whether two servers may stand at once: the shares of memory that their engines ask for fit together.

    A restart of vLLM takes as long as several measurements, and there would be two in each round. An engine without
    work costs memory only.
    """
    return sum(_memory_share(cell.container) for cell in (sides.a, sides.b)) <= MOST_MEMORY


@contextmanager
def standing(sides: Sides, folder: RunFolder, progress: Progress) -> Iterator[Callable[[Cell], "Rig"]]:
    """Give for a cell the rig that measures it. One for both sides where one engine serves both or two do not fit."""
    with ExitStack() as open_rigs:
        first = open_rigs.enter_context(Rig(folder, progress))
        if sides.one_engine or not both_fit(sides):
            yield lambda _cell: first
            return
        second = open_rigs.enter_context(Rig(folder, progress, first.driver))
        yield lambda cell: first if cell.engine_hash == sides.a.engine_hash else second


@contextmanager
def measuring(
    sides: Sides, metric: Metric, folder: RunFolder, progress: Progress
) -> Iterator[Callable[[Cell], Measured | None]]:
    """What `hear` measures with: real servers, a real driver, and a run's folder that knows what is finished."""
    with standing(sides, folder, progress) as rig_for:

        def measure(cell: Cell) -> Measured | None:
            result = rig_for(cell).measure(cell)
            return None if result is None else Measured.of(result, metric)

        yield measure


def _memory_share(container: dict[str, Any]) -> float:
    sections = {"engine": "model", "embedding": "embedding"}
    loaded = [held for built, held in sections.items() if ".vllm." in container[built]["_target_"]]
    return sum(float(container[section]["gpu_memory_utilization"]) for section in loaded)
