import pytest

from vgate.config import ConfigError
from vgate.harness.comparing.sides import Sides, read_sides
from vgate.harness.comparing.stand import both_fit

COMMON = ["+preset=dry_run"]


def sides(a: str, b: str, *common: str) -> Sides:
    return read_sides(a, b, [*COMMON, *common])


def test_common_settings_hold_for_both_and_each_sides_own_win() -> None:
    made = sides("batch=passthrough", "batch=lockstep  batch.max_batch_size=3", "load.users=5", "batch=time_window")
    assert made.a.container["batch"]["_target_"].endswith("Passthrough")
    assert made.b.container["batch"]["max_batch_size"] == 3
    assert {cell.container["load"]["users"] for cell in (made.a, made.b)} == {5}
    assert made.names == ("batch=passthrough", "batch=lockstep batch.max_batch_size=3")


def test_presets_are_sides_too() -> None:
    made = read_sides("+preset=dry_run", "+preset=classic engine=dry_run embedding=dry_run", [])
    assert made.names[0] == "preset=dry_run"
    assert made.b.container["batch"]["_target_"].endswith("Lockstep")
    assert made.one_engine


def test_nothing_is_the_common_settings() -> None:
    made = sides("", "cache=none")
    assert made.names == ("the common settings", "cache=none")
    assert not made.same_in_effect


def test_one_configuration_against_itself_is_measured_twice() -> None:
    made = sides("", "")
    a, b = made.cell("A", 3), made.cell("B", 3)
    assert a.config_hash == b.config_hash
    assert a.seed == b.seed != made.cell("A", 4).seed
    assert a.key != b.key
    assert a.label == "side=A"
    assert made.same_in_effect
    assert sides("batch=passthrough", "batch=passthrough batch.max_batch_size=3").same_in_effect


def test_the_run_is_named_after_both() -> None:
    names = {sides(a, b).run_name for a, b in (("", "cache=none"), ("cache=none", ""), ("", ""))}
    assert len(names) == 3
    assert all(name.startswith("trial-compare-") for name in names)


def test_what_is_asked_may_differ_and_is_told() -> None:
    assert sides("", "load.users=3").asked_differently == ["load"]
    assert sides("", "batch=lockstep").asked_differently == []


def test_keys_are_blotted_out() -> None:
    extra = "engine=vllm 'engine.extra_args={hf_token: sk-secret}'"
    made = sides(extra, "security=keys 'security.api_keys=[{key: sk-secret, name: a}]'")
    assert "sk-secret" not in str((made.names, made.a.axes, made.b.axes))
    assert made.b.container["security"]["api_keys"][0]["key"] == "sk-secret"


@pytest.mark.parametrize(
    ("a", "b", "common", "told"),
    [
        ("batch=lockstp", "", [], "did you mean batch=lockstep?"),
        ("batch=lockstep,passthrough", "", [], "python -m vgate.bench -m"),
        ("'batch=lockstep", "", [], "A (from the command line) cannot be read: No closing quotation"),
        ("", "", ["trial.rounds=3"], "trial.rounds = 3 (from the settings): a comparison finds out how many"),
    ],
)
def test_wrong_sides(a: str, b: str, common: list[str], told: str) -> None:
    with pytest.raises(ConfigError) as error:
        sides(a, b, *common)
    assert told in str(error.value)


def test_an_experiment_is_a_sweep() -> None:
    with pytest.raises(ConfigError, match=r"^B \(from the command line\) is a sweep; a comparison takes two"):
        read_sides("", "+experiment=demo", [])


def test_two_servers_stand_where_memory_allows() -> None:
    assert both_fit(sides("", "engine.decode_step_ms=3"))
    tiny = ["+preset=cpu"]
    assert both_fit(read_sides("", "model.max_num_seqs=3", tiny))  # 0.3 of the memory each
    assert not both_fit(read_sides("model.gpu_memory_utilization=0.7", "model.max_num_seqs=3", tiny))
    assert not both_fit(read_sides("", "embedding=vllm embedding.gpu_memory_utilization=0.4", tiny))
