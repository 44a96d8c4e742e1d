import json
from pathlib import Path

import pytest

from tests.harness.imports import files
from vgate.harness import records
from vgate.harness.imports import aiperf
from vgate.harness.imports.base import ImportFailed
from vgate.harness.metrics.itl import icl_ms
from vgate.harness.metrics.tpot import tpot_ms
from vgate.harness.metrics.ttft import ttft_service_ms

RECORDS = [files.aiperf_record(0, "warmup"), *(files.aiperf_record(n) for n in range(1, 5)), files.aiperf_failure(5)]


def read(folder: Path, content: object, name: str = aiperf.RECORDS) -> aiperf.Imported:
    path = files.save(folder / name, content)
    return aiperf.read(path.read_text(encoding="utf-8"), path)


def test_its_words(tmp_path: Path) -> None:
    (benchmark,) = read(tmp_path, RECORDS).benchmarks
    rows = records.frame(benchmark.rows[1:5])
    assert ttft_service_ms(rows).tolist() == [50.0] * 4
    assert icl_ms(rows).tolist() == [10.0] * 8
    assert tpot_ms(rows).tolist() == [10.0] * 4
    assert "ttft_ms" in benchmark.absent


def test_a_credit_is_not_an_intended_time(tmp_path: Path) -> None:
    """The rate limiter of a full client issues it late, so it would hide what it is asked about."""
    (benchmark,) = read(tmp_path, RECORDS).benchmarks
    assert all("t_int" not in row for row in benchmark.rows)


def test_phases_and_failures(tmp_path: Path) -> None:
    (benchmark,) = read(tmp_path, RECORDS).benchmarks
    assert [row["phase"] for row in benchmark.rows] == ["warmup", *["window"] * 5]
    assert benchmark.rows[5]["error"] == "InternalServerError: it broke"
    assert benchmark.rows[5]["status"] == 500


def test_fields_left_out_at_their_defaults(tmp_path: Path) -> None:
    """Newer writers leave out what is null."""
    record = files.aiperf_record(1)
    del record["error"], record["metadata"]["credit_issued_ns"]
    (benchmark,) = read(tmp_path, [record]).benchmarks
    assert benchmark.rows[0]["error"] is None


def test_the_servers_usage_is_preferred(tmp_path: Path) -> None:
    record = files.aiperf_record(1)
    record["metrics"]["usage_completion_tokens"] = {"value": 4, "unit": "tokens"}
    (benchmark,) = read(tmp_path, [record]).benchmarks
    assert benchmark.rows[0]["completion_tokens"] == 4
    assert benchmark.rows[0]["n_tok"] is None
    assert benchmark.notes == []


def test_units_are_read(tmp_path: Path) -> None:
    record = files.aiperf_record(1)
    record["metrics"]["time_to_first_token"] = {"value": 0.05, "unit": "sec"}
    (benchmark,) = read(tmp_path, [record]).benchmarks
    assert benchmark.rows[0]["t_tok"][0] - benchmark.rows[0]["t_send"] == 50_000_000


def test_the_summary_leads_to_the_records_beside_it(tmp_path: Path) -> None:
    files.save(tmp_path / aiperf.RECORDS, RECORDS)
    (benchmark,) = read(tmp_path, files.aiperf_summary(), aiperf.SUMMARY).benchmarks
    assert len(benchmark.rows) == 6
    assert benchmark.axes == {"request_rate": "10.0"}
    assert ("inter_token_latency p50", "tpot_ms_p50", 11.0) in [(s.word, s.ours, s.value) for s in benchmark.said]


def test_a_summary_alone_gives_no_rows(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="from which nothing can be computed; profile_export"):
        read(tmp_path, files.aiperf_summary(), aiperf.SUMMARY)


def test_only_warm_up(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="no request of the profiling phase"):
        read(tmp_path, json.loads(json.dumps(RECORDS[:1])))
