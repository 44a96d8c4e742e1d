import json

import pytest

from tests.harness.imports import files
from vgate.harness import records
from vgate.harness.imports import guidellm
from vgate.harness.imports.base import CUT_OFF, Benchmark, ImportFailed
from vgate.harness.metrics.itl import itl_ms
from vgate.harness.metrics.tpot import tpot_ms
from vgate.harness.metrics.ttft import ttft_ms, ttft_service_ms

CONSTANT = {"type_": "constant", "rate": 4.0}


def read(*benchmarks: dict[str, object]) -> list[Benchmark]:
    return guidellm.read(json.dumps(files.guidellm(*benchmarks))).benchmarks


def test_a_schedule_gives_the_intended_time() -> None:
    """Sent 2 ms late: its own TTFT does not hold them, ours does."""
    (benchmark,) = read(files.guidellm_benchmark(CONSTANT))
    rows = records.frame(benchmark.rows)
    assert ttft_service_ms(rows).tolist() == pytest.approx([100.0] * 8, abs=1e-3)
    assert ttft_ms(rows).tolist() == pytest.approx([102.0] * 8, abs=1e-3)
    assert benchmark.absent == ("itl",)


@pytest.mark.parametrize(
    "strategy", [{"type_": "synchronous"}, {"type_": "concurrent", "streams": 4}, {"type_": "throughput"}]
)
def test_without_a_schedule_there_is_none(strategy: dict[str, object]) -> None:
    (benchmark,) = read(files.guidellm_benchmark(strategy))
    assert all(row["t_int"] is None for row in benchmark.rows)
    assert "ttft_ms" in benchmark.absent


def test_its_itl_is_our_tpot_and_there_is_no_itl() -> None:
    (benchmark,) = read(files.guidellm_benchmark(CONSTANT))
    rows = records.frame(benchmark.rows)
    assert tpot_ms(rows).tolist() == pytest.approx([10.0] * 8, abs=1e-3)
    assert itl_ms(rows).empty
    assert ("inter_token_latency_ms p50", "tpot_ms_p50") in [(said.word, said.ours) for said in benchmark.said]


def test_its_tpot_maps_to_nothing() -> None:
    words = dict(guidellm.WORDS)
    assert words["time per output token (TPOT)"].startswith("none")
    assert words["inter-token latency (ITL)"].startswith("TPOT")


def test_requests_before_its_window_are_warm_up() -> None:
    (benchmark,) = read(files.guidellm_benchmark(CONSTANT))
    assert [row["phase"] for row in benchmark.rows] == ["warmup", *["window"] * 7]


def test_errors_and_what_was_cut_off() -> None:
    requests = {
        "successful": [files.guidellm_request(0.5)],
        "incomplete": [files.guidellm_request(1.0), files.guidellm_request(99.0)],
        "errored": [files.guidellm_request(0.75, error="ReadTimeout('')")],
        "total": None,
    }
    (benchmark,) = read(files.guidellm_benchmark(CONSTANT, requests=requests))
    assert [row["error"] for row in benchmark.rows] == [None, "ReadTimeout('')", CUT_OFF, CUT_OFF]
    assert [row["phase"] for row in benchmark.rows] == ["window", "window", "window", "warmup"]
    assert any("1 requests of the window were cut off" in note for note in benchmark.notes)
    assert any("a sample of 1 of 8 requests" in note for note in benchmark.notes)


def test_each_benchmark_is_a_cell() -> None:
    assert [benchmark.axes["strategy"] for benchmark in read()] == ["synchronous", "constant@4.00"]
    assert [benchmark.load.get("users") for benchmark in read()] == [1, None]
    assert [benchmark.load.get("rate") for benchmark in read()] == [None, 4.0]


def test_an_empty_report() -> None:
    with pytest.raises(ImportFailed, match="no benchmark"):
        guidellm.read(json.dumps({"args": {}, "benchmarks": []}))
