"""A comparison from its folder's opening to its finding."""

import shutil
import sys
from dataclasses import replace

from vgate.harness.cells import Cell
from vgate.harness.circumstances import circumstances
from vgate.harness.comparing.court import PAIRS_PER_ROUND, Rules, cells, hear
from vgate.harness.comparing.decision import UNDECIDED
from vgate.harness.comparing.finding import Finding
from vgate.harness.comparing.metric import Measured
from vgate.harness.comparing.sides import SIDES, Sides
from vgate.harness.comparing.stand import both_fit, measuring
from vgate.harness.comparing.words import told
from vgate.harness.files import write_json
from vgate.harness.layout import COMPARISON
from vgate.harness.manifest import session
from vgate.harness.progress import Progress
from vgate.harness.results import Result
from vgate.harness.store import RunFolder

CELLS_PER_ROUND = PAIRS_PER_ROUND * len(SIDES)


def hold(sides: Sides, folder: RunFolder, rules: Rules) -> Finding:
    """Measure what is missing, decide, and keep the finding beside the rows. The folder is locked by the caller."""
    one_server = sides.one_engine or not both_fit(sides)
    rules = replace(rules, fixed_order=one_server and not sides.one_engine)
    planned = cells(sides, rules)
    now = circumstances(sys.argv[1:], [sides.a, sides.b], "vgate.compare")
    question = f"Is B ({sides.names[1]}) better than A ({sides.names[0]})?"
    trial = sides.a.settings.trial
    mix = trial.mix or _decided(sides, rules, _there(planned, folder, rules))
    with session(folder, now, mix=mix, seed=trial.seed, question=question, cells=len(planned)):
        forget_bad_pairs(folder, sides, rules)
        known = {cell.key: cell for cell in planned if not folder.has(cell)}
        progress = Progress(list(known.values()))
        progress.say(f"{folder.path}: at most {len(known)} measurements to make, in rounds of {CELLS_PER_ROUND}")
        with measuring(sides, rules.metric, folder, progress) as measure:
            hearing = hear(sides, rules, lambda cell: measure(known.get(cell.key, cell)))
        finding = told(sides, hearing, two_servers=not one_server)
        write_json(folder.path / COMPARISON, finding.document)
    return finding


def forget_bad_pairs(folder: RunFolder, sides: Sides, rules: Rules) -> None:
    """Take out what cannot be used of the pairs that are there, unless a verdict stands on them as they are.

    A pair is two measurements with one seed, one right after the other: where one of them is missing, FAILED or
    INVALID, both are made again, for the other one was made under whatever the machine did at its time. Pairs that are
    good stay, wherever their round was torn; what is INVALID is kept as an attempt.
    """
    planned = cells(sides, rules)
    found = _there(planned, folder, rules)
    if _decided(sides, rules, found):
        return
    for start in range(0, len(planned), len(SIDES)):
        pair = planned[start : start + len(SIDES)]
        if not all(cell.key in found and not found[cell.key].invalid for cell in pair):
            for cell in filter(folder.has, pair):
                _take_out(cell, folder, bool(found[cell.key].invalid))


def _take_out(cell: Cell, folder: RunFolder, invalid: bool) -> None:
    if invalid:
        folder.set_aside(cell)
    else:
        shutil.rmtree(folder.place(cell))


def _there(planned: list[Cell], folder: RunFolder, rules: Rules) -> dict[str, Measured]:
    """What has been measured, by the cells' keys."""
    return {
        cell.key: Measured.of(Result.read(folder.place(cell)), rules.metric) for cell in filter(folder.has, planned)
    }


def _decided(sides: Sides, rules: Rules, found: dict[str, Measured]) -> bool:
    """Whether a verdict stands on what is there."""
    hearing = hear(sides, rules, lambda cell: found.get(cell.key))
    whole = all(pair.a and pair.b for pair in hearing.pairs)
    return whole and hearing.decision.verdict != UNDECIDED
