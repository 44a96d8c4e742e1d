"""A comparison from its folder's opening to its finding."""

import shutil
import sys
from dataclasses import replace

from vgate.harness.cells import Cell
from vgate.harness.comparing.court import PAIRS_PER_ROUND, Rules, cells, hear
from vgate.harness.comparing.finding import Finding
from vgate.harness.comparing.sides import SIDES, Sides
from vgate.harness.comparing.stand import both_fit, measuring
from vgate.harness.comparing.words import told
from vgate.harness.files import write_json
from vgate.harness.layout import COMPARISON
from vgate.harness.manifest import circumstances, secrets_of, session
from vgate.harness.progress import Progress
from vgate.harness.store import RunFolder

CELLS_PER_ROUND = PAIRS_PER_ROUND * len(SIDES)


def hold(sides: Sides, folder: RunFolder, rules: Rules) -> Finding:
    """Measure what is missing, decide, and keep the finding beside the rows. The folder is locked by the caller."""
    one_server = sides.one_engine or not both_fit(sides)
    rules = replace(rules, fixed_order=one_server and not sides.one_engine)
    planned = cells(sides, rules)
    forget_torn_rounds(folder, planned)
    known = {cell.key: cell for cell in planned if not folder.has(cell)}
    progress = Progress(list(known.values()))
    progress.say(f"{folder.path}: at most {len(known)} measurements to make, in rounds of {CELLS_PER_ROUND}")
    now = circumstances(sys.argv[1:], secrets_of([sides.a, sides.b]), "vgate.compare")
    about = {"question": f"Is B ({sides.names[1]}) better than A ({sides.names[0]})?", "cells": len(planned)}
    with session(folder, now, seed=sides.a.settings.trial.seed, **about):
        with measuring(sides, rules.metric, folder, progress) as measure:
            hearing = hear(sides, rules, lambda cell: measure(known.get(cell.key, cell)))
        finding = told(sides, hearing, two_servers=not one_server)
        write_json(folder.path / COMPARISON, finding.document)
    return finding


def forget_torn_rounds(folder: RunFolder, planned: list[Cell]) -> None:
    """Throw away what is there of a round that is not whole: its other part would be measured at another time."""
    for start in range(0, len(planned), CELLS_PER_ROUND):
        round_of = planned[start : start + CELLS_PER_ROUND]
        if not all(map(folder.has, round_of)):
            for cell in filter(folder.has, round_of):
                shutil.rmtree(folder.place(cell))
