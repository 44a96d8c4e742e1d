"""What a page says that a number comes from, gives that number."""

from pathlib import Path
from typing import Any

import pytest

from tests.harness.rows import FakeRun, failed, frame, row, steady
from vgate.harness.provenance import PRELUDE, expression
from vgate.harness.results import Result, load_run


@pytest.fixture
def result(tmp_path: Path) -> Result:
    run = FakeRun(tmp_path / "run")
    mixed = [
        row(t, lag=0.1, tok=tuple(t + 20 + 3 * n for n in range(1 + int(t) % 7)), cache="miss") for t in range(600)
    ]
    rows = frame(*mixed, failed(700), failed(701), row(702, phase="warmup"), row(703, tok=(), t_end=800, cache="hit"))
    run.add(rows, {"batch": "passthrough"})
    return load_run(run.path).results[0]


def values(result: Result) -> dict[str, Any]:
    names: dict[str, Any] = {"FOLDER": str(result.folder)}
    exec(PRELUDE, names)  # noqa: S102  that is the point
    return {column: eval(expression(column), names) for column in result.numbers}  # noqa: S307  the same


def test_every_number_is_what_its_expression_gives(result: Result) -> None:
    found = values(result)
    assert found == pytest.approx(result.numbers, nan_ok=True)
    assert found["ttft_ms_p99"] is not None


def test_refused_percentiles_are_refused_there_too(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(50), {"batch": "passthrough"})
    assert values(load_run(run.path).results[0])["ttft_ms_p99"] is None


def test_a_number_nobody_wrote_an_expression_for_has_one_all_the_same() -> None:
    assert expression("newest_number") == 'cell.numbers["newest_number"]'
