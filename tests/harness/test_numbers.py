import pytest

from tests.harness.rows import WINDOW, failed, frame, row, steady
from vgate.harness.estimates import PERCENTS
from vgate.harness.metrics.goodput import Slo
from vgate.harness.numbers import numbers


def test_a_row_of_everything() -> None:
    found = numbers(steady(500, ttft_ms=50.0, tpot_ms=10.0), WINDOW, Slo(ttft_ms=60))
    assert found["requests"] == 500
    assert found["goodput_per_s"] == 500
    assert found["attainment"] == 1.0
    assert found["ttft_ms_p50"] == pytest.approx(50.0)
    assert found["ttft_service_ms_p50"] == pytest.approx(49.99)
    assert found["tpot_ms_p99"] == pytest.approx(10.0)
    assert found["itl_ms_p99"] == pytest.approx(10.0)
    assert found["e2e_ms_p95"] == pytest.approx(150.0)
    assert found["lag_ms_p50"] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("count", "refused"),
    [(4603, []), (459, [99.9]), (458, [99, 99.9]), (89, [95, 99, 99.9]), (6, [50, 90, 95, 99, 99.9])],
)
def test_percentiles_are_refused_by_their_own_sample(count: int, refused: list[int]) -> None:
    found = numbers(steady(count), WINDOW, Slo())
    for metric in ("ttft_ms", "tpot_ms", "e2e_ms", "lag_ms"):
        assert [percent for percent in PERCENTS if found[f"{metric}_p{percent}"] is None] == refused


def test_itl_has_no_more_samples_than_there_are_requests() -> None:
    """Ten gaps in each answer depend on each other."""
    assert numbers(steady(459), WINDOW, Slo())["itl_ms_p99"] is not None
    assert numbers(steady(458), WINDOW, Slo())["itl_ms_p99"] is None


def test_failures_count_and_have_no_end() -> None:
    found = numbers(frame(*(row(t_int=float(n)) for n in range(7)), failed(t_int=8.0)), WINDOW, Slo())
    assert (found["requests"], found["errors"]) == (8, 1)
    assert found["e2e_ms_p50"] == pytest.approx(27.0)  # of 30, 29, ... 24 and an infinite one; the refusal took 1


def test_warm_up_and_drain_are_not_measured() -> None:
    rows = frame(
        *(row(t_int=float(n)) for n in range(7)), row(t_int=-5.0, phase="warmup"), row(t_int=1001.0, phase="drain")
    )
    assert numbers(rows, WINDOW, Slo())["requests"] == 7


def test_intervals_stand_beside_the_numbers() -> None:
    found = numbers(steady(500), WINDOW, Slo())
    assert found["ttft_ms_p50_n"] == 500
    for name in (
        "goodput_per_s",
        "attainment",
        "ttft_ms_p50",
        "tpot_ms_mean",
        "itl_ms_p90",
        "e2e_ms_p95",
    ):
        assert found[f"{name}_low"] <= found[name] <= found[f"{name}_high"]  # type: ignore[operator]
    assert found["ttft_ms_p99.9_low"] is None
    assert "lag_ms_p50_low" not in found
