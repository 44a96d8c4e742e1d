"""What is wrong with a load or a workload is told in one line before anything starts."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer, models

from tests.config.composing import wrong
from vgate.config import compose
from vgate.models.tokenizer import train_tokenizer

SAMPLES = Path(__file__).resolve().parents[2] / "loadtests" / "samples"
HERE = "(from the command line): "
AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n"


def line(*overrides: str) -> str:
    return wrong(*overrides, program="bench")


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("workload.prompt_tokens=0", "must be greater than or equal to 1"),
        ("workload.prompt_tokens=many", "must be a valid integer"),
        ("workload.prompt_tokens={min: 3}", "workload.prompt_tokens.distribution is missing"),
        (
            "workload.prompt_tokens={distribution: gauss}",
            f"workload.prompt_tokens.distribution = 'gauss' {HERE}must be 'uniform', 'normal' or 'lognormal'",
        ),
        ("workload.prompt_tokens={distribution: uniform, min: 3}", "workload.prompt_tokens.max is missing"),
        ("workload.prompt_tokens={distribution: uniform, min: 3, max: 2}", "max must not be less than min"),
        (
            "workload.prompt_tokens={distribution: uniform, min: 3, max: 9, maxx: 9}",
            "did you mean workload.prompt_tokens.max?",
        ),
        ("workload.prompt_tokens={distribution: normal, mean: 9, stddev: 1, max: 8}", "mean must lie between"),
        ("workload.prompt_tokens={distribution: lognormal, median: 3, sigma: 9}", "must be less than or equal to 5"),
        ("workload.prompt_tokens=1000000000000", "must be less than or equal to 1000000"),
        (
            "workload.output_tokens={distribution: uniform, min: 1, max: 9999999}",
            "must be less than or equal to 1000000",
        ),
        (
            "workload.prompt_tokens={distribution: lognormal, median: 1e12, sigma: 1}",
            "median must lie between min and max",
        ),
        ("workload.prompt_tokens={distribution: normal, mean: 1e9, stddev: 1}", "mean must lie between min and max"),
        (
            "workload.prompt_tokens={distribution: normal, mean: 100, stddev: 1e12, min: 100, max: 100}",
            "less than 1% of it lies between min and max (1000000 where there is none): stddev must be less",
        ),
        (
            "workload.prompt_tokens={distribution: normal, mean: 9, stddev: 1e300}",
            "must be less than or equal to 1000000000000",
        ),
        (
            "workload.prompt_tokens={distribution: lognormal, median: 9000, sigma: 5, min: 9000, max: 9001}",
            "sigma must be less",
        ),
        ("workload.tokenizer=nowhere", "must be a folder with a tokenizer.json, such a file, or a model in the hub's"),
        ("workload.repeat_ratio=0.5", "usage_per_chunk; workload=zipf has it"),
        ("load.rate=3", "unknown key; allowed: users; load=constant, load=gamma, load=poisson have it"),
    ],
)
def test_of_the_default_load_and_workload(setting: str, told: str) -> None:
    found = line(setting)
    assert told in found
    assert "vgate." not in found
    assert "\n" not in found


@pytest.mark.parametrize(
    ("choice", "setting", "told"),
    [
        ("load=gamma", "load.burstiness=0", "must be greater than 0"),
        ("load=ramp", "load.end_rate=0", "must be greater than 0"),
        ("load=ramp", "load.start_rate=-1", "must be greater than or equal to 0"),
        ("load=constant", "load.rate=fast", "must be a valid number"),
        ("load=trace", "load.path=/no/such", "cannot be read: No such file or directory"),
        ("load=trace", f"load.path={SAMPLES / 'prompts.jsonl'}", "line 1 lacks 'timestamp' of the Mooncake format"),
        (
            "workload=trace",
            f"workload.path={SAMPLES / 'README.md'}",
            "is in no known format: it begins with '# Samples'",
        ),
        ("workload=zipf", "workload.exponent=-1", "must be greater than or equal to 0"),
        ("workload=jsonl", f"workload.path={SAMPLES / 'azure_2023.csv'}", "line 1 is not JSON"),
        ("workload=jsonl", f"workload.path={SAMPLES / 'prompts.jsonl'}", "set output_tokens"),
        ("workload=multi_turn", "workload.turns=0", "must be greater than or equal to 1"),
    ],
)
def test_of_others(choice: str, setting: str, told: str) -> None:
    found = line(choice, setting)
    assert told in found
    assert found.startswith(setting.partition("=")[0])
    assert "\n" not in found


@pytest.mark.parametrize("choice", ["load=trace", "workload=trace", "workload=jsonl"])
def test_a_file_must_be_named(choice: str) -> None:
    assert line(choice) == f"{choice.partition('=')[0]}.path = None (from the command line): must name a file"


def test_a_trace_that_ends_within_the_warm_up(tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    path.write_text(AZURE + "".join(f"2024-05-10 00:00:0{n},1,1\n" for n in range(8)), encoding="utf-8")
    found = line("load=trace", f"load.path={path}", "load.speed=2", "trial.warmup_s=4")
    assert found.endswith("(from the command line): ends after 4.0 s at load.speed = 2, within trial.warmup_s = 4")
    assert compose("bench", ["load=trace", f"load.path={path}", "trial.warmup_s=4"], {})


def test_the_workload_follows_the_trace_of_the_load() -> None:
    path = SAMPLES / "mooncake.jsonl"
    given = ["load=trace", "workload=trace", f"load.path={path}", "load.start_s=3", "load.max_rows=50"]
    section = compose("bench", given, {}).container["workload"]
    assert (section["path"], section["start_s"], section["max_rows"]) == (str(path), 3, 50)
    other = compose("bench", [*given, f"workload.path={SAMPLES / 'azure_2023.csv'}"], {}).container
    assert other["load"]["path"] != other["workload"]["path"]


def test_the_ramp_follows_the_trial() -> None:
    section = compose("bench", ["load=ramp", "trial.warmup_s=2", "trial.duration_s=9"], {}).container["load"]
    assert (section["delay_s"], section["over_s"]) == (2, 9)


@pytest.mark.parametrize(
    "setting",
    [
        "workload.prompt_tokens={distribution: uniform, min: 16, max: 64}",
        "workload.output_tokens={distribution: normal, mean: 128, stddev: 40, min: 1, max: 512}",
        "workload.output_tokens={distribution: lognormal, median: 128, sigma: 0.8}",
    ],
)
def test_distributions_as_they_are_spelt_in_the_files(setting: str) -> None:
    assert compose("bench", [setting], {}).container["workload"]


def test_a_distribution_in_a_yaml_file(tmp_path: Path) -> None:
    path = tmp_path / "bench.yaml"
    path.write_text("workload: {prompt_tokens: {distribution: uniform, min: 2, max: 3}}\n", encoding="utf-8")
    section = compose("bench", [], {"VGATE_CONFIG_PATH": str(path)}).container["workload"]
    assert section["prompt_tokens"] == {"distribution": "uniform", "min": 2, "max": 3}


@pytest.mark.parametrize(("option", "refused"), [("synthetic", True), ("trace", True), ("jsonl", False)])
def test_a_tokenizer_of_single_letters(tmp_path: Path, option: str, refused: bool) -> None:
    """It has no words to make prompts of, and can count."""
    letters = Tokenizer(models.BPE({letter: number for number, letter in enumerate("abcdefghijklmnopqrstuvwxyz ")}, []))
    letters.save(str(tmp_path / "tokenizer.json"))
    file = {"trace": "mooncake.jsonl", "jsonl": "sharegpt.json"}.get(option)
    settings = [f"workload={option}", f"workload.tokenizer={tmp_path}"]
    settings += [f"workload.path={SAMPLES / file}"] if file else []
    if refused:
        assert line(*settings).endswith("has 0 words of a single token, 256 are needed")
    else:
        assert compose("bench", settings, {}).container["workload"]["tokenizer"] == str(tmp_path)


def test_the_tokenizer_may_be_the_served_models(tmp_path: Path) -> None:
    train_tokenizer().save(str(tmp_path / "tokenizer.json"))
    settings = [f"model.model_id={tmp_path}", "workload.tokenizer=${model.model_id}"]
    assert compose("bench", settings, {}).container["workload"]["tokenizer"] == str(tmp_path)


def test_a_trace_with_endless_requests_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "azure.csv"
    path.write_text(f"{AZURE}2024-05-10,2000,5\n", encoding="utf-8")
    told = line("workload=trace", f"workload.path={path}", "workload.prompt_scale=1000")
    assert told.startswith("workload.path = ")
    assert "has a length of 2000 tokens; times workload.prompt_scale it must be at most 1000000" in told
    assert compose("bench", ["workload=trace", f"workload.path={path}", "workload.prompt_scale=500"], {})
