import pytest

from tests.harness import server_rows
from tests.harness.rows import WINDOW, frame, row
from tests.harness.server_rows import served
from vgate.harness import gauges
from vgate.harness.metrics.e2e import e2e_ms
from vgate.harness.metrics.parts import PARTS
from vgate.harness.server_numbers import NUMBERS, server_numbers


def test_means_of_the_parts_add_up_to_the_mean_e2e_of_the_window() -> None:
    rows = frame(
        row(0, 1, (100,), request_id="a"),
        row(10, 1, (50,), request_id="b"),
        row(20, 1, (900,), request_id="warm", phase="warmup"),
    )
    server = server_rows.frame(
        served("a", 3, 7, 27, 35, 60, 90, 95), served("b", 12, 13, 14, 20, 30, 40, 45), served("warm", *range(30, 37))
    )
    found = server_numbers(rows, server, None, WINDOW)
    assert sum(found[f"{part}_ms_mean"] or 0 for part in PARTS) == pytest.approx(e2e_ms(rows)[:2].mean())
    assert found["gateway_ms_p50"] is None  # two requests are too few
    assert found["requests_per_wh"] is None


def test_the_gateways_own_share_has_percentiles_where_there_are_enough_requests() -> None:
    names = [f"r{number}" for number in range(50)]
    rows = frame(*(row(number, 1, (500,), request_id=name) for number, name in enumerate(names)))
    server = server_rows.frame(*(served(name, 100, 101, 110, 120, 130, 140, 145) for name in names))
    found = server_numbers(rows, server, None, WINDOW)
    assert found["gateway_ms_p50"] == pytest.approx(6)
    assert found["gateway_ms_p99"] is None


def test_old_runs_have_none_of_them() -> None:
    found = server_numbers(frame(row()), None, None, WINDOW)
    assert found == dict.fromkeys(NUMBERS)


def test_all_that_can_be_there_is_named() -> None:
    server = server_rows.frame(served("r0.0", 1, 2, 3, 4, 5, 6, 7))
    assert tuple(server_numbers(frame(row()), server, gauges.frame([]), WINDOW)) == NUMBERS
