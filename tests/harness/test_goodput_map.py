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


def by_rate(path: Path) -> FakeRun:
    """Three strategies and three caches at two rates: the axis of what is asked has the fewest values."""
    run = FakeRun(path)
    for rate in (100, 200):
        for batch, share in (("a", 0.5), ("b", 0.7), ("c", 0.9)):
            for cache, more in (("x", 0), ("y", 3), ("z", 6)):
                axes = {"batch": batch, "cache": cache, "load.rate": str(rate)}
                run.add(steady(int(rate * share) + more), axes, load={"rate": rate})
    return run


def test_no_square_holds_what_was_asked_differently(tmp_path: Path) -> None:
    """The best over rates would be the best of the highest rate."""
    found = mapped(by_rate(tmp_path / "run"))
    assert found is not None
    assert (found.row_axis, found.column_axis, found.others) == ("load.rate", "batch", ["cache"])
    values = {row: {square.value for square in squares} for row, squares in found.rows}
    assert values == {"100": {56, 76, 96}, "200": {106, 146, 186}}


def test_each_rate_has_a_best(tmp_path: Path) -> None:
    found = mapped(by_rate(tmp_path / "run"))
    assert found is not None
    assert [max(square.share for square in squares) for _, squares in found.rows] == [1, 1]


def test_three_axes_of_what_is_asked_make_no_map(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    for number in range(8):
        values = [f"{number >> bit & 1}" for bit in range(3)]
        load = {"rate": 100 + int(values[0]), "burstiness": 1 + int(values[1])}
        axes = dict(zip(("load.rate", "load.burstiness", "slo.ttft_ms"), values, strict=True))
        run.add(steady(100), axes, load=load, slo={"ttft_ms": 100.0 + int(values[2]), "tpot_ms": None, "e2e_ms": None})
    assert mapped(run) is None
