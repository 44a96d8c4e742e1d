"""From a finished cell to what it says about its rate."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.harness.rows import FakeRun, failed, frame, row, steady
from vgate.config import compose
from vgate.harness.capacity.cell import at_rate
from vgate.harness.capacity.rates import faults, probe
from vgate.harness.results import Result, load_run


def result_of(path: Path, rows: pd.DataFrame, **changes: object) -> Result:
    run = FakeRun(path / "run")
    run.add(rows, **changes)
    (result,) = load_run(run.path).results
    result.config["trial"] |= {"warmup_s": 5.0, "duration_s": 30.0}
    return result


def test_margins_are_shares_of_the_limits_in_the_order_due(tmp_path: Path) -> None:
    slo = {"ttft_ms": 20.0, "tpot_ms": 10.0, "e2e_ms": None}
    late = row(200.0, tok=(240.0, 245.0, 250.0))
    fine = row(100.0, tok=(110.0, 130.0, 150.0))
    found = probe(result_of(tmp_path, frame(late, fine), slo=slo), 7.0)
    assert found.margins.keys() == {"TTFT", "TPOT"}
    assert found.margins["TTFT"] == pytest.approx([0.5, 2.0])
    assert found.margins["TPOT"] == pytest.approx([2.0, 0.5])
    assert (found.rate, found.sent, found.seconds) == (7.0, 2, 35.0)


def test_errors_and_refusals_are_bad_for_every_limit(tmp_path: Path) -> None:
    found = probe(result_of(tmp_path, frame(row(), failed(500.0))), 7.0)
    assert np.isinf(found.margins["TTFT"]).tolist() == [False, True]
    assert np.isinf(found.margins["TPOT"]).tolist() == [False, True]


def test_a_limit_that_does_not_apply_is_met(tmp_path: Path) -> None:
    """TPOT of a single token."""
    found = probe(result_of(tmp_path, frame(row(tok=(10.0,)))), 7.0)
    assert found.margins["TPOT"].tolist() == [0.0]


def test_requests_outside_the_window_cost_and_do_not_count(tmp_path: Path) -> None:
    rows = frame(row(phase="warmup"), row(100.0), row(900.0, phase="drain"))
    found = probe(result_of(tmp_path, rows), 7.0)
    assert (found.count, found.sent) == (1, 3)


def test_a_fault_of_the_instrument_is_one_and_a_slow_server_is_none(tmp_path: Path) -> None:
    lagging = probe(result_of(tmp_path / "a", steady(200, lag_ms=30.0)), 7.0)
    assert "the load driver sent late" in lagging.faults[0]
    broken = result_of(tmp_path / "b", frame(row(), *(failed(n, status=500) for n in range(100, 900, 100))))
    assert broken.invalid
    assert probe(broken, 7.0).faults == ()
    assert faults(["the queue rises, so the load was not steady", "the load driver used 90% of a core"]) == [
        "the load driver used 90% of a core"
    ]


@pytest.mark.parametrize(
    ("lag_ms", "limits", "counts"),
    [
        (20.0, {}, True),
        (30.0, {}, False),
        (20.0, {"e2e_ms": 300.0}, False),
        (30.0, {"ttft_ms": None, "e2e_ms": 700.0}, True),
        (30.0, {"ttft_ms": None}, True),
    ],
)
def test_a_late_driver_is_a_fault_where_it_could_decide_who_is_good(
    tmp_path: Path, lag_ms: float, limits: dict[str, float | None], counts: bool
) -> None:
    """A twentieth of the tightest limit on what counts from when a request was due."""
    slo = {"ttft_ms": 500.0, "tpot_ms": 50.0, "e2e_ms": None, **limits}
    result = result_of(tmp_path, steady(200, lag_ms=lag_ms), slo=slo)
    assert "the load driver sent late" in result.invalid[0]
    assert (probe(result, 7.0).faults == ()) == counts


def test_a_cell_differs_from_its_neighbours_in_rate_and_length_alone() -> None:
    container = compose("bench", ["+preset=dry_run", "load=poisson"], {}).container
    first, second = at_rate(container, 12.34, 15.0, 0), at_rate(container, 12.34, 15.0, 1)
    assert first.container["load"]["rate"] == 12.34
    assert first.container["trial"]["duration_s"] == 15.0
    assert {**first.container, "load": container["load"], "trial": container["trial"]} == container
    assert (first.axes, first.config_hash) == ({"load.rate": "12.34"}, second.config_hash)
    assert first.key != second.key
    assert first.seed != at_rate(container, 20.0, 15.0, 1).seed
    assert first.engine_hash == at_rate(container, 20.0, 5.0, 0).engine_hash
