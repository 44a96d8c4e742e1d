"""Imported files as runs: the same frame, the same numbers, the same page."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.harness.imports import files
from vgate.harness.imports import ImportFailed, import_file
from vgate.harness.report import report
from vgate.harness.results import Run, load_run
from vgate.harness.table import table
from vgate.report import main

N = 100
STREAMS = {"ttfts": [0.05] * N, "itls": [[0.01, 0.01]] * N, "latencies": [0.07] * N, "errors": [""] * N}
COUNTS = {"input_lens": [8] * N, "output_lens": [3] * N, "queue_times": [0.0] * N, "duration": 10.0}
VLLM = files.vllm(start_times=[n / 10 for n in range(N)], **STREAMS, **COUNTS)


def imported(folder: Path, content: Any, name: str = "result.json") -> Run:
    return load_run(import_file(files.save(folder / name, content), folder / "results"))


def test_vllm(tmp_path: Path) -> None:
    run = imported(tmp_path, VLLM)
    (result,) = run.results
    assert result.numbers["ttft_service_ms_p50"] == pytest.approx(50.0)
    assert result.numbers["tpot_ms_p50"] == pytest.approx(10.0)
    assert result.numbers["output_tokens_per_s"] == pytest.approx(30.0)
    assert result.numbers["achieved_per_s"] == pytest.approx(10.0)
    assert math.isnan(result.numbers["ttft_ms_p50"])
    assert math.isnan(result.numbers["attainment"])
    assert run.path.name.startswith("import-vllm-bench-serve-")


def test_guidellm(tmp_path: Path) -> None:
    run = imported(tmp_path, files.guidellm(files.guidellm_benchmark({"type_": "constant", "rate": 4.0}, count=50)))
    (result,) = run.results
    assert result.numbers["ttft_ms_p50"] == pytest.approx(102.0, abs=1e-3)
    assert result.numbers["ttft_service_ms_p50"] == pytest.approx(100.0, abs=1e-3)
    assert result.numbers["offered_per_s"] == pytest.approx(4.0, rel=0.03)
    assert math.isnan(result.numbers["itl_ms_p50"])
    assert result.invalid == []


def test_aiperf(tmp_path: Path) -> None:
    run = imported(tmp_path, [files.aiperf_record(n) for n in range(60)], "profile_export.jsonl")
    (result,) = run.results
    assert result.numbers["ttft_service_ms_p90"] == 50.0
    assert result.numbers["itl_ms_p90"] == 10.0
    assert result.numbers["completed_per_s"] * result.window.seconds == pytest.approx(60)  # the last one too


def test_a_late_schedule_is_seen_where_the_file_tells(tmp_path: Path) -> None:
    late = [files.guidellm_request(0.25 * n, late=0.02) for n in range(50)]
    requests = {"successful": late, "incomplete": [], "errored": [], "total": None}
    strategy = {"type_": "poisson", "rate": 4.0}
    run = imported(tmp_path, files.guidellm(files.guidellm_benchmark(strategy, count=50, requests=requests)))
    assert any("the load driver sent late" in reason for reason in run.results[0].invalid)


def test_what_the_tool_cut_off_was_offered_and_is_not_good(tmp_path: Path) -> None:
    """Nor is it a failure of the server's, for which a measurement would be INVALID."""
    sent = [files.guidellm_request(0.25 * n) for n in range(50)]
    never = files.guidellm_request(0.25 * 45)
    never["info"]["timings"] |= {"request_start": None, "first_token_iteration": None, "last_token_iteration": None}
    requests = {"successful": sent[:45], "incomplete": [never, *sent[46:]], "errored": [], "total": None}
    strategy = {"type_": "constant", "rate": 4.0}
    run = imported(tmp_path, files.guidellm(files.guidellm_benchmark(strategy, count=50, requests=requests)))
    (result,) = run.results
    assert result.numbers["attainment"] == pytest.approx(44 / 49)  # the first of 50 was warm-up
    assert result.numbers["requests"] == 49
    assert result.invalid == []


def test_the_page_says_what_is_not_known(tmp_path: Path) -> None:
    run = imported(tmp_path, VLLM)
    page = report(run)
    assert "Imported from vllm bench serve: 1 benchmark, no verdict." in page
    assert "1 not checked" in page
    assert "TTFT service p50 ms" in page
    assert "Latencies count from the send" in page
    assert '-goodput_per_s">-</a>' in page
    assert "TTFT service, ms from the send" in page
    assert "ICL: raw gaps between chunks" in page
    assert "TTFT p50 ms" not in page[page.index('id="numbers"') : page.index('id="figures"')]


def test_the_terminal_shows_service_times_too(tmp_path: Path) -> None:
    head = table(imported(tmp_path, VLLM)).splitlines()[0]
    assert "TTFT service p50 ms" in head
    assert "TTFT p50 ms" not in head


def test_importing_again_replaces(tmp_path: Path) -> None:
    first, second = (imported(tmp_path, VLLM) for _ in range(2))
    assert first.path == second.path
    assert len(second.results) == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("hello", "not a result file of"),
        (json.dumps({"benchmarks": [{"config": {}}], "scheduler_metrics": 1}), "not as its tool writes it: KeyError"),
        ('{"request_throughput": 1, "endpoint_type": "x", ', "not as its tool writes it: JSONDecodeError"),
        (None, "No such file"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, text: str | None, why: str) -> None:
    path = tmp_path / "result.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ImportFailed, match=why) as raised:
        import_file(path, tmp_path)
    assert str(raised.value).startswith(str(path))
    assert len(str(raised.value).splitlines()) == 1


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    path = files.save(tmp_path / "result.json", VLLM)
    monkeypatch.setattr("sys.argv", ["vgate.report", str(tmp_path / "results"), "--import", str(path)])
    assert main() == 0
    headline, page = capsys.readouterr().out.splitlines()
    assert headline.startswith("Imported from vllm bench serve")
    assert Path(page).is_file()
    monkeypatch.setattr("sys.argv", ["vgate.report", "--import", str(tmp_path / "nothing.json")])
    assert main() == 2
    assert capsys.readouterr().err.startswith("vgate: ")
