from pathlib import Path

import pytest

from tests.load.settings import SAMPLES
from vgate.load.recorded import Recorded, WrongFile, read_trace

BURST = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
MOONCAKE = '{"timestamp": 0, "input_length": 1, "output_length": 2, "hash_ids": [7]}\n'


def read(tmp_path: Path, text: str, start_s: float = 0.0, max_rows: int = 100) -> list[Recorded]:
    path = tmp_path / "trace"
    path.write_text(text, encoding="utf-8")
    return list(read_trace(str(path), start_s, max_rows))


def why(tmp_path: Path, text: str, start_s: float = 0.0) -> str:
    with pytest.raises(WrongFile) as error:
        read(tmp_path, text, start_s)
    return str(error.value)


def test_burstgpt(tmp_path: Path) -> None:
    rows = "5,ChatGPT,472,18,490,Conversation log\n45,GPT-4,1087,0,1087,API log\n"
    assert read(tmp_path, BURST + rows) == [Recorded(0.0, 472, 18), Recorded(40.0, 1087, 0)]


def test_burstgpt_with_sessions(tmp_path: Path) -> None:
    head = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    rows = "19440110.0,a-b,43,GPT-4,906,446,1352,Conversation log\n19440161.0,c,2,ChatGPT,36,29,65,API log\n"
    assert read(tmp_path, head + rows) == [Recorded(0.0, 906, 446), Recorded(51.0, 36, 29)]


def test_azure_2023(tmp_path: Path) -> None:
    """Seven decimals, no zone."""
    rows = "2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n"
    first, second = read(tmp_path, AZURE + rows)
    assert first == Recorded(0.0, 374, 44)
    assert second.at_s == pytest.approx(4.314579, abs=1e-6)
    assert (second.prompt_tokens, second.output_tokens) == (396, 109)


def test_azure_2024(tmp_path: Path) -> None:
    """A zone, and moments with and without decimals side by side."""
    rows = "2024-05-11 23:59:59.500000+00:00,2162,5\n2024-05-12 00:00:00+00:00,2399,6\n"
    assert [row.at_s for row in read(tmp_path, AZURE + rows)] == [0.0, 0.5]


def test_mooncake(tmp_path: Path) -> None:
    text = (
        '{"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47]}\n'
        '{"timestamp": 30535, "input_length": 600, "output_length": 26}\n'
    )
    assert read(tmp_path, text) == [Recorded(0.0, 6955, 52, (46, 47)), Recorded(3.053, 600, 26)]


@pytest.mark.parametrize("path", [*sorted(SAMPLES.glob("*.csv")), SAMPLES / "mooncake.jsonl"], ids=lambda p: p.name)
def test_the_samples_last_a_minute(path: Path) -> None:
    rows = read_trace(str(path), 0.0, 100_000)
    assert len(rows) == 240
    assert rows[0].at_s == 0.0
    assert 40 < rows[-1].at_s < 90
    assert bool(rows[5].blocks) == (path.suffix == ".jsonl")


def test_reading_begins_within_the_trace_and_ends_when_it_has_enough(tmp_path: Path) -> None:
    text = BURST + "".join(f"{second},m,{second},1,1,t\n" for second in range(100, 110)) + "broken\n"
    found = read(tmp_path, text, start_s=2.5, max_rows=3)
    assert [(row.at_s, row.prompt_tokens) for row in found] == [(0.5, 103), (1.5, 104), (2.5, 105)]


def test_rows_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    assert [row.prompt_tokens for row in read(tmp_path, BURST + "0,m,1,1,2,t\n9,m,2,1,3,t\n5,m,3,1,4,t\n")] == [1, 3, 2]


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    assert len(read(tmp_path, "\ufeff" + BURST + "0,m,1,1,2,t\n")) == 1


def test_an_unknown_format_is_named_with_those_that_are_known(tmp_path: Path) -> None:
    line = why(tmp_path, "when,prompt,answer\n1,2,3\n")
    assert line.startswith("is in no known format: it has the columns when, prompt, answer; known are CSV")
    for word in ("BurstGPT", "Request tokens", "Azure", "ContextTokens", "Mooncake", "input_length"):
        assert word in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("text", "start_s", "line"),
    [
        ("", 0.0, "is empty"),
        (BURST, 0.0, "holds no requests"),
        (BURST + "0,m,1,1,2,t\n", 5.0, "ends before start_s = 5"),
        (
            BURST + "0,m,1,1,2,t\n\n1,m,many,1,2,t\n",
            0.0,
            "line 4 does not fit the BurstGPT format: Request tokens is 'many'; must be a number of tokens from 0 to",
        ),
        (BURST + "0,m,1\n", 0.0, "line 2 does not fit the BurstGPT format: Response tokens is 'None'; must be"),
        (BURST + "1e400,m,1,1,2,t\n", 0.0, "line 2 does not fit the BurstGPT format: Timestamp is '1e400'; must be a"),
        (BURST + "0,m,1e400,1,2,t\n", 0.0, "line 2 does not fit the BurstGPT format: Request tokens is '1e400'"),
        (BURST + "0,m,nan,1,2,t\n", 0.0, "line 2 does not fit the BurstGPT format: Request tokens is 'nan'"),
        (BURST + f"0,{'m' * 140_000},1,1,2,t\n", 0.0, "line 2 does not fit the BurstGPT format: field larger than"),
        ("a" * 140_000 + "\n", 0.0, "is in no known format: it begins with 'aaaa"),
        (
            AZURE + "yesterday,1,1\n",
            0.0,
            "line 2 does not fit the Azure LLM inference format: TIMESTAMP is 'yesterday'",
        ),
        (
            AZURE + "2023-11-16 18:15:46,-1,1\n",
            0.0,
            "line 2 does not fit the Azure LLM inference format: ContextTokens is '-1'; must be a number of tokens",
        ),
        (
            '{"timestamp": 0, "input_length": 1}\n',
            0.0,
            "line 1 lacks 'output_length' of the Mooncake format: it has timestamp, input_length; needed are",
        ),
        ('{"timestamp": 0\n', 0.0, "line 1 does not fit the Mooncake format: it is no JSON: "),
        (MOONCAKE + "\nnull\n", 0.0, "line 3 does not fit the Mooncake format: it is null; must be an object"),
        (MOONCAKE + "[" * 100_000 + "\n", 0.0, "line 2 does not fit the Mooncake format: it is no JSON: "),
        (MOONCAKE.replace("0", "1e400"), 0.0, "line 1 does not fit the Mooncake format: timestamp is 'inf'; must be a"),
        (
            MOONCAKE.replace("1", "1e400"),
            0.0,
            "line 1 does not fit the Mooncake format: input_length is 'inf'; must be",
        ),
        (MOONCAKE.replace("[7]", "7"), 0.0, "line 1 does not fit the Mooncake format: hash_ids is '7'; must be a list"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, start_s: float, line: str) -> None:
    told = why(tmp_path, text, start_s)
    assert told.startswith(line)
    assert "\n" not in told


def test_names_of_columns_may_have_spaces_around_them(tmp_path: Path) -> None:
    assert read(tmp_path, AZURE.replace(",", ", ") + "2023-11-16 18:15:46,3,4\n") == [Recorded(0.0, 3, 4)]


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(WrongFile, match="cannot be read: No such file or directory"):
        read_trace("/no/such/file", 0.0, 1)
