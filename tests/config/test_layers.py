"""Which layer wins: defaults < preset < YAML file < environment < command line."""

from pathlib import Path

import pytest

from tests.config.composing import serve, written, wrong
from vgate.config import ConfigError, from_resolved, get_config

# Each layer sets the size; without the strongest of them the next one holds.
LAYERS = ["default", "preset", "file", "environment", "command line"]
CLASSIC = "+preset=classic"


@pytest.mark.parametrize("strongest", range(5), ids=LAYERS)
def test_of_several_layers_the_stronger_wins(tmp_path: Path, strongest: int) -> None:
    overrides = [CLASSIC] if strongest >= 1 else []
    environ = written(tmp_path, "cache: {sampled: false, maxsize: 3}") if strongest >= 2 else {}
    environ |= {"VGATE_CACHE__MAXSIZE": "4"} if strongest >= 3 else {}
    overrides += ["cache.maxsize=5"] if strongest >= 4 else []
    composed = serve(*overrides, **environ)
    assert composed.container["cache"]["maxsize"] == [1000, 1000, 3, 4, 5][strongest]
    assert composed.container["cache"]["sampled"] is (strongest == 1)
    assert composed.sources.get("cache.maxsize") == [
        None, "preset=classic", environ.get("VGATE_CONFIG_PATH"), "environment VGATE_CACHE__MAXSIZE", "the command line"
    ][strongest]  # fmt: skip


@pytest.mark.parametrize("strongest", range(5), ids=LAYERS)
def test_choices_of_options_too(tmp_path: Path, strongest: int) -> None:
    overrides = [CLASSIC] if strongest >= 1 else []
    environ = written(tmp_path, "batch: time_window") if strongest >= 2 else {}
    environ |= {"VGATE_BATCH": "lockstep"} if strongest >= 3 else {}
    overrides += ["batch=passthrough"] if strongest >= 4 else []
    target = serve(*overrides, **environ).settings.batch.target
    wanted = ["passthrough", "lockstep", "time_window", "lockstep", "passthrough"][strongest]
    assert target.split(".")[2] == wanted


def test_a_preset_is_below_the_file_whoever_names_it(tmp_path: Path) -> None:
    environ = written(tmp_path, "engine: dry_run\npreset: cpu\ncache: {maxsize: 3}")
    composed = serve(CLASSIC, **environ)
    assert composed.settings.engine.target.endswith("DryRunEngine")
    assert composed.container["cache"]["maxsize"] == 3
    assert composed.container["batch"]["_target_"].endswith("Lockstep"), "the command line's preset"


def test_within_a_layer_the_last_one_wins() -> None:
    assert serve("server.port=1", "server.port=2").settings.server.port == 2


@pytest.mark.parametrize("spelling", ["preset=dry_run", "+preset=dry_run"])
def test_a_preset_may_be_named_with_or_without_the_plus(spelling: str) -> None:
    assert serve(spelling).settings.engine.target == "vgate.engine.dry_run.DryRunEngine"


def test_a_key_of_a_weaker_layer_for_an_option_not_chosen_has_no_effect_and_is_told(tmp_path: Path) -> None:
    environ = written(tmp_path, "cache: {maxsize: 3}\nengine: {cpu_threads: 2}")
    composed = serve("cache=none", "engine=dry_run", **environ)
    assert composed.container["cache"] == {"_target_": "vgate.cache.none.NoCache"}
    assert sorted(composed.notes) == [
        f"cache.maxsize (from {environ['VGATE_CONFIG_PATH']}) has no effect with cache=none",
        f"engine.cpu_threads (from {environ['VGATE_CONFIG_PATH']}) has no effect with engine=dry_run",
    ]


def test_a_presets_key_for_an_option_not_chosen_has_no_effect_and_is_told() -> None:
    notes = serve(CLASSIC, "cache=none").notes
    assert sorted(notes) == [
        f"cache.{key} (from preset=classic) has no effect with cache=none" for key in ("maxsize", "sampled")
    ]


def test_the_same_in_one_layer_or_in_a_stronger_one_is_a_mistake() -> None:
    assert wrong("cache=none", "cache.maxsize=5") == (
        "cache.maxsize = 5 (from the command line): unknown key; cache takes no keys;"
        " cache=lfu, cache=lru, cache=tinylfu, cache=ttl have it"
    )
    assert "engine.cpu_threads = 5 (from environment VGATE_ENGINE__CPU_THREADS): unknown key; allowed:" in wrong(
        VGATE_ENGINE="dry_run", VGATE_ENGINE__CPU_THREADS="5"
    )


def test_a_section_with_nothing_below_it_says_nothing(tmp_path: Path) -> None:
    """As when all keys of a section are commented out."""
    empty = serve(**written(tmp_path, "batch:\ncache: {}\n# nothing\n"))
    assert empty.container == serve().container


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    assert serve(**written(tmp_path, "")).container == serve().container


def test_engine_arguments_go_to_vllm_as_they_are(tmp_path: Path) -> None:
    environ = written(tmp_path, "engine: {extra_args: {swap_space: 2, override: {a: {b: 1}}}}")
    assert serve(**environ).container["engine"]["extra_args"] == {"swap_space": 2, "override": {"a": {"b": 1}}}
    assert serve("engine.extra_args.swap_space=3").container["engine"]["extra_args"] == {"swap_space": 3}


def test_settings_say_what_the_container_says_and_cannot_be_changed() -> None:
    composed = serve(CLASSIC, "server.port=0")
    assert composed.settings.model_dump(by_alias=True) == composed.container
    with pytest.raises(ValueError, match="frozen"):
        composed.settings.server.port = 1  # type: ignore[misc]


def test_get_config_reads_file_environment_and_overrides(no_settings: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_settings.setenv("VGATE_CONFIG_PATH", written(tmp_path, "cache: {maxsize: 3}")["VGATE_CONFIG_PATH"])
    no_settings.setenv("VGATE_SERVER__PORT", "4")
    settings = get_config("+preset=dry_run", "batch=lockstep")
    assert settings.cache.maxsize == 3  # type: ignore[union-attr]
    assert (settings.server.port, settings.batch.target) == (4, "vgate.batch.lockstep.Lockstep")


def test_a_resolved_configuration_is_validated_again() -> None:
    container = serve(CLASSIC).container
    assert from_resolved(container | {"load": {"users": 3}}, "file").batch.target == "vgate.batch.lockstep.Lockstep"
    container["batch"]["max_batch_size"] = 0
    with pytest.raises(ConfigError, match=r"^batch.max_batch_size = 0 \(from run.yaml\): must be greater"):
        from_resolved(container, "run.yaml")
    with pytest.raises(ConfigError, match=r"server is missing \(from run.yaml\) \(and \d+ more\)"):
        from_resolved({}, "run.yaml")
