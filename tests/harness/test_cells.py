import pytest

from vgate.config import ConfigError, conf_dir
from vgate.config.layers import parse
from vgate.config.spelling import spell
from vgate.harness.baseline import CLASSIC, is_classic
from vgate.harness.cells import Cell, expand, run_name

FAST = ["engine=dry_run"]


def labels(cells: list[Cell]) -> list[str]:
    return [cell.label for cell in cells]


def test_one_trial_is_one_cell() -> None:
    (cell,) = expand(FAST, multirun=False)
    assert (cell.axes, cell.round, cell.label) == ({}, 0, "trial")


def test_a_sweep_is_every_combination() -> None:
    cells = expand([*FAST, "batch=lockstep,time_window", "batch.max_batch_size=1,8", "load.users=3"], multirun=True)
    assert labels(cells) == [
        "batch=lockstep batch.max_batch_size=1",
        "batch=lockstep batch.max_batch_size=8",
        "batch=time_window batch.max_batch_size=1",
        "batch=time_window batch.max_batch_size=8",
    ]
    assert [cell.settings.batch.max_batch_size for cell in cells] == [1, 8, 1, 8]
    assert {cell.settings.load.users for cell in cells} == {3}


def test_a_value_given_twice_is_measured_once() -> None:
    assert labels(expand([*FAST, "load.users=1,2,1"], multirun=True)) == ["load.users=1", "load.users=2"]


def test_hydras_ranges_and_choices_work() -> None:
    cells = expand([*FAST, "load.users=range(1,4)", "cache=choice(none,lru)"], multirun=True)
    assert len(cells) == 6


def test_a_sweep_needs_m() -> None:
    with pytest.raises(ConfigError, match="-m"):
        expand([*FAST, "batch=lockstep,time_window"], multirun=False)


def test_every_cell_is_checked_before_anything_starts() -> None:
    with pytest.raises(ConfigError, match=r"load\.users"):
        expand([*FAST, "load.users=1,0"], multirun=True)


def test_sweeps_that_are_no_list_are_refused() -> None:
    with pytest.raises(ConfigError, match="interval"):
        expand([*FAST, "load.users=interval(1,4)"], multirun=True)


@pytest.mark.parametrize("override", ["batch=lockstep", "cache=none", "load.users=9", "slo=none", "trial.seed=1"])
def test_what_does_not_need_a_restart(override: str) -> None:
    assert expand([*FAST, override], multirun=False)[0].engine_hash == expand(FAST, multirun=False)[0].engine_hash


@pytest.mark.parametrize("override", ["model=tiny_awq", "engine.decode_step_ms=1", "logging.level=DEBUG"])
def test_what_does(override: str) -> None:
    assert expand([*FAST, override], multirun=False)[0].engine_hash != expand(FAST, multirun=False)[0].engine_hash


@pytest.mark.parametrize("override", ["batch.max_batch_size=3", "load.users=9", "trial.seed=1", "trial.duration_s=1"])
def test_another_measurement_is_another_cell(override: str) -> None:
    changed, plain = expand([*FAST, override], multirun=False), expand(FAST, multirun=False)
    assert changed[0].key != plain[0].key
    assert run_name(changed) != run_name(plain)


@pytest.mark.parametrize(
    "override", ["trial.results_dir=elsewhere", "trial.cooldown_s=3", "trial.name=other", "trial.certify=false"]
)
def test_names_and_pauses_measure_nothing(override: str) -> None:
    assert expand([*FAST, override], multirun=False)[0].key == expand(FAST, multirun=False)[0].key


def test_more_rounds_go_on_in_the_same_run() -> None:
    one, three = (expand([*FAST, f"trial.rounds={n}"], multirun=False) for n in (1, 3))
    assert run_name(one) == run_name(three)
    assert one[0].key == three[0].key
    assert len({cell.key for cell in three}) == 3


def test_cells_of_a_round_are_asked_the_same_and_rounds_differ() -> None:
    cells = expand([*FAST, "batch=lockstep,passthrough", "trial.rounds=2"], multirun=True)
    seeds = {(cell.axes["batch"], cell.round): cell.seed for cell in cells}
    assert seeds["lockstep", 0] == seeds["passthrough", 0] != seeds["lockstep", 1] == seeds["passthrough", 1]


def test_passthrough_cells_are_an_a_a_pair() -> None:
    cells = expand([*FAST, "batch=passthrough,lockstep", "batch.max_batch_size=1,8"], multirun=True)
    assert len({cell.effective_hash for cell in cells}) == 3
    assert cells[0].effective_hash == cells[1].effective_hash
    assert len({cell.key for cell in cells}) == 4


def test_an_experiment_brings_its_axes() -> None:
    cells = expand(["+experiment=demo"], multirun=False)
    assert labels(cells)[0] == "batch=passthrough batch.max_batch_size=1"
    assert len(cells) == 6
    assert len({cell.engine_hash for cell in cells}) == 1


def test_the_command_line_narrows_an_experiment() -> None:
    cells = expand(["+experiment=demo", "batch=lockstep", "load.users=2"], multirun=False)
    assert labels(cells) == ["batch.max_batch_size=1", "batch.max_batch_size=8"]
    assert {cell.settings.load.users for cell in cells} == {2}


def test_experiment_and_sweep_multiply() -> None:
    assert len(expand(["+experiment=demo", "load.users=2,4"], multirun=True)) == 12 + 2  # and two baselines


@pytest.mark.parametrize("name", sorted(path.stem for path in (conf_dir() / "experiment").glob("*.yaml")))
def test_every_experiment_composes(name: str) -> None:
    cells = expand([f"+experiment={name}"], multirun=False)
    assert cells
    assert cells[0].settings.experiment is not None


@pytest.mark.parametrize(
    "spelt", [{"distribution": "uniform", "min": 1, "max": 9}, 32, 0.5, "a b", "it's", True, [1, 2]]
)
def test_values_of_an_experiment_are_spelt_as_on_the_command_line(spelt: object) -> None:
    """A distribution of lengths may be an axis too."""
    (override,) = parse([f"workload.prompt_tokens={spell(spelt)}"])
    assert override.value() == spelt


def test_the_original_gateway_can_be_measured_beside_a_sweep() -> None:
    """Once for each model, engine and load, and not where a cell is that already."""
    swept = [*FAST, "trial.baseline=true", "batch=passthrough,time_window", "batch.max_batch_size=2", "load.users=3"]
    baseline, *others = expand(swept, multirun=True)
    assert labels(others) == ["batch=passthrough", "batch=time_window"]
    assert baseline.label == "baseline=classic"
    assert is_classic(baseline.container)
    assert baseline.settings.load.users == 3
    assert baseline.engine_hash == others[0].engine_hash
    assert len(expand([*swept[:-1], "load.users=3,4"], multirun=True)) == 6
    assert len(expand([*FAST, "trial.baseline=true", *CLASSIC, "load.users=3,4"], multirun=True)) == 2
    assert len(expand(swept[:2], multirun=False)) == 1


REDIS = [*FAST, "cache=redis"]


def test_O6_no_secret_is_in_the_name_of_a_cell() -> None:
    """Where axes differ in more than what is secret, that tells them apart."""
    cells = expand([*REDIS, "cache.url=redis://:hunter2@x,redis://:hunter3@y"], multirun=True)
    assert labels(cells) == ["cache.url=redis://***@x", "cache.url=redis://***@y"]
    (cell,) = expand([*FAST, "engine=vllm", "engine.extra_args.hf_token=hunter2,hunter3"], multirun=True)
    assert cell.label == "engine.extra_args.hf_token=***"
    assert cell.settings.engine.extra_args == {"hf_token": "hunter3"}


@pytest.mark.parametrize(
    ("words", "secret"),
    [
        (REDIS, "cache.url=redis://ann:{}@h"),
        ([*FAST, "security=keys"], "security.api_keys=[{{key: {}, name: a}}]"),
        ([*FAST, "engine=vllm"], "engine.extra_args={{hf_token: {}}}"),
    ],
)
def test_O6_a_secret_does_not_show_in_a_hash(words: list[str], secret: str) -> None:
    """From which a password could be found by trying; that there is one does show."""
    (one,), (other,) = (expand([*words, secret.format(value)], multirun=False) for value in ("hunter2", "hunter3"))
    for name in ("key", "config_hash", "effective_hash", "engine_hash", "graph_hash"):
        assert getattr(one, name) == getattr(other, name)
    if words is not REDIS and "security=keys" not in words:
        assert one.key != expand(words, multirun=False)[0].key


def test_a_number_is_the_same_however_it_is_spelt() -> None:
    spelt = [[*FAST, "load=poisson", "load.rate=" + number] for number in ("20", "20.0", "2e1")]
    assert len({expand(words, multirun=False)[0].key for words in spelt}) == 1
    lengths = ["{distribution: normal, mean: 9, stddev: 1}", "{distribution: normal, mean: 9.0, stddev: 1.0, min: 1}"]
    assert len({expand([*FAST, f"workload.prompt_tokens={text}"], multirun=False)[0].key for text in lengths}) == 1


def test_other_targets_judge_the_same_measurement_in_a_run_of_their_own() -> None:
    plain, strict = (expand([*FAST, *words], multirun=False) for words in ([], ["slo.ttft_ms=1"]))
    assert plain[0].key == strict[0].key
    assert run_name(plain) != run_name(strict)
    assert plain[0].effective_hash != strict[0].effective_hash


@pytest.mark.parametrize("axis", ["slo.ttft_ms=100,200", "slo=chat,none"])
def test_targets_cannot_be_swept(axis: str) -> None:
    with pytest.raises(ConfigError, match="targets only judge"):
        expand([*FAST, axis], multirun=True)


def test_another_environment_is_another_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = []
    for device in ("0", "1", "0"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", device)
        keys.append(expand(FAST, multirun=False)[0].key)
    monkeypatch.setenv("HF_TOKEN", "hunter2")
    keys.append(expand(FAST, multirun=False)[0].key)
    assert keys[0] == keys[2] == keys[3] != keys[1]


def test_a_cell_says_what_of_it_has_no_effect() -> None:
    cells = expand([*FAST, "batch=passthrough,lockstep", "batch.max_batch_size=3"], multirun=True)
    told = "batch.max_batch_size (from the command line) has no effect with batch=passthrough"
    assert [cell.notes for cell in cells] == [(told,), ()]
