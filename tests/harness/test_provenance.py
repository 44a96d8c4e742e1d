"""What a page says that a number comes from, gives that number."""

from pathlib import Path
from typing import Any

import pytest

from tests.harness import server_rows
from tests.harness.rows import MS, FakeRun, failed, frame, row
from tests.harness.server_rows import served
from vgate.harness.metrics.percentile import percentile
from vgate.harness.provenance import PRELUDE, expression
from vgate.harness.results import Result, load_run


@pytest.fixture
def result(tmp_path: Path) -> Result:
    run = FakeRun(tmp_path / "run")
    mixed = [
        row(t, lag=0.1, tok=tuple(t + 20 + 3 * n for n in range(1 + int(t) % 7)), cache="miss") for t in range(600)
    ]
    rows = frame(*mixed, failed(700), failed(701), row(702, phase="warmup"), row(703, tok=(), t_end=800, cache="hit"))
    stamps = (0.5, 1, 5, 5, 20, 30, 31)
    asked = (one for one in rows.itertuples() if one.status == 200)
    server = server_rows.frame(*(served(one.request_id, *(one.t_int / MS + at for at in stamps)) for one in asked))
    power = [{"t": at * MS, "gpu_power_w": 100.0 + at} for at in range(0, 1001, 100)]
    run.add(rows, {"batch": "passthrough"}, server=server, samples=power)
    return load_run(run.path).results[0]


def values(result: Result) -> dict[str, Any]:
    names: dict[str, Any] = {"FOLDER": str(result.folder)}
    exec(PRELUDE, names)  # noqa: S102  that is the point
    known = [column for column, estimate in result.estimates.items() if estimate.value is not None]
    return {column: eval(expression(column), names) for column in known}  # noqa: S307  the same


def test_every_number_is_what_its_expression_gives(result: Result) -> None:
    found = values(result)
    assert found == pytest.approx({column: result.numbers[column] for column in found}, nan_ok=True)
    assert len(found) > 40
    assert found["ttft_ms_p99"] is not None


def test_refused_percentiles_are_refused_there_too() -> None:
    assert percentile(range(50), 99) is None
    assert expression("ttft_ms_p99") == "percentile(of_offered(due, ttft_ms), 99)"


def test_a_number_nobody_wrote_an_expression_for_has_one_all_the_same() -> None:
    assert expression("newest_number") == 'cell.numbers["newest_number"]'
