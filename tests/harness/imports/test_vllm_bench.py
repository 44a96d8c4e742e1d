import json

import pytest

from tests.harness.imports import files
from vgate.harness.imports import vllm_bench
from vgate.harness.imports.base import ImportFailed

MS = 1_000_000


def read(**changes: object) -> vllm_bench.Imported:
    return vllm_bench.read(json.dumps(files.vllm(**changes)))


def test_stamps_count_from_the_send_and_no_intended_time_is_made_up() -> None:
    (benchmark,) = read().benchmarks
    first = benchmark.rows[0]
    assert first["t_send"] == 10_000 * MS
    assert first["t_tok"] == [10_050 * MS, 10_060 * MS, 10_070 * MS]
    assert first["t_end"] == 10_070 * MS
    assert first.get("t_int") is None
    assert {"ttft_ms", "e2e_ms", "goodput_per_s"} <= set(benchmark.absent)


def test_failures_keep_their_last_line() -> None:
    (benchmark,) = read().benchmarks
    assert [row["error"] for row in benchmark.rows] == [None, None, None, "OSError: connection reset"]
    assert benchmark.rows[3]["t_end"] is None


def test_tokens_in_chunks_are_known_only_where_they_add_up() -> None:
    """The first chunk of a chat stream may name the role alone: then there is one chunk more than tokens."""
    (benchmark,) = read(output_lens=[3, 2, 3, 0]).benchmarks
    assert [row["n_tok"] for row in benchmark.rows] == [[1, 1, 1], None, [1, 1, 1], None]


def test_waiting_inside_its_client_is_told() -> None:
    (benchmark,) = read().benchmarks
    assert any("1 requests waited inside the client for a free place, up to 250 ms" in note for note in benchmark.notes)


def test_axes_and_its_own_numbers() -> None:
    (benchmark,) = read().benchmarks
    assert benchmark.axes == {"request_rate": "2.0", "max_concurrency": "2"}
    assert benchmark.window == (10_000 * MS, 12_000 * MS)
    assert [(said.word, said.ours, said.value) for said in benchmark.said] == [
        ("median_ttft_ms", "ttft_service_ms_p50", 60.0),
        ("p99_ttft_ms", "ttft_service_ms_p99", 69.8),
        ("median_tpot_ms", "tpot_ms_p50", 10.0),
    ]


def test_appended_results_are_benchmarks_of_one_file() -> None:
    text = "\n".join(json.dumps(files.vllm(request_rate=rate)) for rate in (1.0, "inf"))
    assert [benchmark.axes["request_rate"] for benchmark in vllm_bench.read(text).benchmarks] == ["1.0", "inf"]


def test_without_save_detailed_there_are_no_rows() -> None:
    content = files.vllm()
    for name in ("start_times", "ttfts", "itls", "errors", "input_lens", "output_lens", "generated_texts"):
        del content[name]
    with pytest.raises(ImportFailed, match="--save-detailed"):
        vllm_bench.read(json.dumps(content))
