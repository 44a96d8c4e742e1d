"""What a sweep can range over: numbers, and choices between components, each with keys of its own."""

import pytest

from vgate.config import ConfigError
from vgate.harness.cells import Cell, expand

FAST = ["engine=dry_run"]


def labels(cells: list[Cell]) -> list[str]:
    return [cell.label for cell in cells]


# Group or key -> values, and how many engine starts they take.
AXES = {
    "batch": ("token_budget,adaptive", 1),
    "cache": ("none,tinylfu", 1),
    "dedup": ("none,single_flight", 1),
    "queue": ("fifo,fair", 1),
    "load": ("closed,poisson", 1),
    "workload": ("synthetic,zipf", 1),
    "model": ("tiny,tiny_awq", 2),
    "model.linear_backend": ("auto,marlin", 2),
}


@pytest.mark.parametrize("axis", AXES)
def test_an_axis_may_be_a_choice(axis: str) -> None:
    values, starts = AXES[axis]
    cells = expand([*FAST, f"{axis}={values}"], multirun=True)
    assert [cell.axes for cell in cells] == [{axis: value} for value in values.split(",")]
    assert len({cell.engine_hash for cell in cells}) == starts


def test_choices_multiply() -> None:
    axes = ["dedup=none,single_flight", "model.linear_backend=auto,marlin"]
    assert len({cell.key for cell in expand([*FAST, *axes], multirun=True)}) == 4


def test_a_key_is_swept_where_the_choice_has_it() -> None:
    cells = expand([*FAST, "cache=none,lru", "cache.maxsize=10,1000"], multirun=True)
    assert labels(cells) == ["cache=none", "cache=lru cache.maxsize=10", "cache=lru cache.maxsize=1000"]
    assert [getattr(cell.settings.cache, "maxsize", None) for cell in cells] == [None, 10, 1000]


def test_a_key_is_set_where_the_choice_has_it() -> None:
    closed, poisson = expand([*FAST, "load=closed,poisson", "load.users=3", "load.rate=7"], multirun=True)
    assert closed.container["load"]["users"] == 3
    assert poisson.container["load"]["rate"] == 7


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["cache=none,lru", "cache.ttl_s=5"], "cache.ttl_s"),  # ttl has it, but is not among these
        (["cache=none,lru", "cache.maxsiz=5"], "unknown key"),
        (["cache=none,lur"], "did you mean cache=lru"),
        (["batch=lockstep,passthrough", "cache=none", "cache.maxsize=5"], "cache.maxsize"),
    ],
)
def test_what_no_choice_has_is_refused(words: list[str], told: str) -> None:
    with pytest.raises(ConfigError, match=told.replace(".", r"\.")):
        expand([*FAST, *words], multirun=True)
