from pathlib import Path

from tests.harness.rows import FakeRun, steady
from vgate.harness.configurations import configurations
from vgate.harness.goodput_map import Map, goodput_map
from vgate.harness.results import load_run

METRIC = "goodput_per_s"


def mapped(run: FakeRun) -> Map | None:
    return goodput_map(configurations(load_run(run.path), METRIC), METRIC)


def test_the_two_axes_with_the_most_values_the_best_over_the_rest(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    for size in ("16", "2", "4"):
        for batch in ("lockstep", "time_window"):
            run.add(
                steady(int(size) * 10 + len(batch)), {"batch": batch, "batch.max_batch_size": size, "cache": "none"}
            )
    run.add(steady(300), {"batch": "lockstep", "batch.max_batch_size": "2", "cache": "lru"})
    found = mapped(run)
    assert found is not None
    assert (found.column_axis, found.row_axis, found.others) == ("batch.max_batch_size", "batch", ["cache"])
    assert found.columns == ["2", "4", "16"]  # in numeric order
    values = {row: [square.value for square in squares] for row, squares in found.rows}
    assert values == {"lockstep": [300, 48, 168], "time_window": [31, 51, 171]}
    assert found.rows[0][1][0].share == 1


def test_what_was_not_measured_and_what_is_invalid(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(100), {"batch": "a", "cache": "x"})
    run.add(steady(100), {"batch": "b", "cache": "x"}, cpu_share=0.95)
    run.add(steady(100), {"batch": "b", "cache": "y"})
    found = mapped(run)
    assert found is not None
    squares = {
        (down, across): square for down, row in found.rows for across, square in zip(found.columns, row, strict=True)
    }
    missing = next(square for square in squares.values() if square.one is None)
    invalid = next(square for square in squares.values() if square.one is not None and square.value is None)
    assert missing.value is None
    assert invalid.share == 0


def test_one_axis_is_no_map(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(100), {"batch": "a"})
    run.add(steady(90), {"batch": "b"})
    assert mapped(run) is None
