"""What each key costs to change: the table against the tree, and against what the server can exchange."""

import copy
from functools import cache
from typing import Any

import pytest

from tests.config.test_tree import NEEDED, rows
from vgate.api.admin import SWAPPABLE
from vgate.config import compose, tree
from vgate.config.bench_schema import BenchSettings
from vgate.harness import costs
from vgate.harness.cells import Cell
from vgate.harness.costs import COSTS, Cost, cost, leaves
from vgate.harness.inputs import PATHS

GROUPS = [group for group in tree.groups_of("bench") if group not in tree.OVERLAYS]
# Every option of every group is in one of these; a bench needs an engine that serves chat.
ROWS = [[choice.replace("engine=none", "engine=dry_run") for choice in row] for row in rows(GROUPS)]


@cache
def composed(row: int) -> Cell:
    extra = [setting for choice in ROWS[row] for setting in NEEDED.get(choice, [])]
    made = compose("bench", ROWS[row] + extra, {})
    assert isinstance(made.settings, BenchSettings)
    return Cell({}, made.container, made.settings, 0)


def with_another(cell: Cell, key: str) -> Cell:
    """The cell with another value of one key."""
    container = copy.deepcopy(cell.container)
    section: Any = container
    *path, last = key.split(".")
    for name in path:
        section = section[name]
    section[last] = "another value"
    return Cell({}, container, cell.settings, 0)


def swapped(cell: Cell) -> list[Any]:
    return [cell.container[section] for section in costs.SWAPPABLE]


@pytest.mark.parametrize("row", range(len(ROWS)))
def test_changing_any_key_of_the_tree_costs_what_the_table_says(row: int) -> None:
    """Seen from what a sweep goes by: another measurement, another exchange, another engine start."""
    before = composed(row)
    keys = [key for key, _ in leaves(before.container)]
    assert len(keys) > 60
    for key in keys:
        if key in PATHS:  # another value would have to be a file
            assert cost(key) is Cost.CLIENT
            continue
        price, after = cost(key), with_another(before, key)
        assert (after.key != before.key) == (price > Cost.NOTHING), key
        assert (swapped(after) != swapped(before)) == (price == Cost.SWAP), key
        assert (after.engine_hash != before.engine_hash) == (price == Cost.RESTART), key


def test_the_table_names_nothing_that_is_not_there() -> None:
    keys = {key for row in range(len(ROWS)) for key, _ in leaves(composed(row).container)}
    known = {".".join(key.split(".")[:length]) for key in keys for length in range(1, key.count(".") + 2)}
    assert set(COSTS) <= known


@pytest.mark.parametrize(
    ("key", "price"),
    [
        ("trial.rounds", Cost.NOTHING),
        ("server.port", Cost.NOTHING),  # the bench takes a free one
        ("load.users", Cost.CLIENT),
        ("trial.duration_s", Cost.CLIENT),
        ("batch.max_batch_size", Cost.SWAP),
        ("security.api_keys", Cost.SWAP),
        ("server.deadline_ms", Cost.RESTART),
        ("model.max_num_seqs", Cost.RESTART),
        ("engine.extra_args.swap_space", Cost.RESTART),
    ],
)
def test_what_the_table_says(key: str, price: Cost) -> None:
    assert cost(key) is price


def test_a_key_that_is_not_there_is_no_guess() -> None:
    with pytest.raises(KeyError, match=r"other\.key"):
        cost("other.key")


def test_what_is_exchanged_is_what_the_server_can_exchange() -> None:
    assert set(costs.SWAPPABLE) == SWAPPABLE


def test_a_list_is_a_value_and_so_is_an_empty_section() -> None:
    assert dict(leaves({"a": {"b": [{"c": 1}], "d": {}}, "e": None})) == {"a.b": [{"c": 1}], "a.d": {}, "e": None}
