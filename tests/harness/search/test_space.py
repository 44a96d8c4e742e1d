import pytest

from vgate.config import ConfigError
from vgate.harness.search.settings import read_space
from vgate.harness.search.space import Axis, read_axes

FAST = "+preset=dry_run"


def test_axes_are_spelt_as_for_a_sweep() -> None:
    numbers = ["batch.max_batch_size=range(1,9,2)", "batch.max_wait_time_ms=interval(0,50)"]
    fixed, axes = read_axes([FAST, *numbers, "batch=lockstep,time_window", "load.users=int(interval(1,8))"])
    assert fixed == [FAST]
    assert axes == [
        Axis("batch", ("lockstep", "time_window")),
        Axis("batch.max_batch_size", low=1, high=7, whole=True, step=2),
        Axis("batch.max_wait_time_ms", low=0.0, high=50.0),
        Axis("load.users", low=1, high=8, whole=True),
    ]


def test_an_axis_counts_only_where_its_component_looks_at_it(no_settings: pytest.MonkeyPatch) -> None:
    space = read_space(
        [FAST, "batch=passthrough,lockstep", "batch.max_batch_size=1,8", "cache=none,lru", "cache.maxsize=1,2"]
    )
    assert space.baseline.axes == {"batch": "passthrough", "cache": "lru", "cache.maxsize": "1000"}
    lockstep = space.options({"batch": "lockstep", "cache": "lru"})
    assert lockstep["cache"]["maxsize"] > 2
    assert "search" not in lockstep
    assert space.cell({"batch": "lockstep"}).settings.batch.target == "vgate.batch.lockstep.Lockstep"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "nothing to search"),
        (["batch=lockstep,windows"], "unknown option"),
        (["batch=lockstep,time_window", "batch.max_batch_size=0,8"], "batch.max_batch_size = 0"),
        (["batch.max_batch_siz=1,8"], "did you mean batch.max_batch_size?"),
        (["batch=passthrough", "batch.max_batch_size=1,8"], "has no effect in any of the combinations"),
        (["batch.max_wait_time_ms=interval(50,50)"], "the second number must be above the first"),
    ],
)
def test_wrong_axes_are_said_before_anything_starts(
    no_settings: pytest.MonkeyPatch, words: list[str], line: str
) -> None:
    with pytest.raises(ConfigError) as error:
        read_space([FAST, *words])
    assert line in str(error.value)


@pytest.mark.parametrize(
    ("axis", "told"),
    [
        ("cache.url=redis://:hunter2@a,redis://:hunter2@b", "what is secret cannot be searched"),
        ("engine.extra_args.hf_token=hunter2,hunter3", "what is secret cannot be searched"),
        ("slo.ttft_ms=100,200", "targets only judge"),
    ],
)
def test_O6_what_is_secret_and_what_only_judges_is_no_axis(axis: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        read_axes([FAST, axis])
    assert "hunter" not in str(caught.value)
