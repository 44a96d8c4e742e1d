"""Configuration files of earlier versions of V-Gate load unchanged."""

from pathlib import Path

import pytest

from tests.config.composing import serve, written, wrong

FLAT = """
version: "0.3.1"
server: {host: "0.0.0.0", port: 8000}
model: {model_id: "Qwen/Qwen2.5-1.5B-Instruct-AWQ", quantization: "awq", gpu_memory_utilization: 0.7}
batch: {max_batch_size: 8, max_wait_time_ms: 50.0}
cache: {enabled: true, maxsize: 1000}
logging: {level: "INFO", json_format: true}
security:
  enabled: true
  api_keys: [{key: "sk-vgate-prod-xxxxx", name: "production", rate_limit: 100}]
  rate_limiting: {enabled: true, default_limit: 60, window_seconds: 60}
  exempt_paths: ["/health", "/metrics"]
"""


def test_the_file_of_version_0_3_loads_and_every_line_of_it_holds(tmp_path: Path) -> None:
    composed = serve(**written(tmp_path, FLAT))
    container = composed.container
    ends = [note.partition(" (from ")[0] + note.partition(")")[2] for note in composed.notes]
    assert ends == [
        "batch.max_batch_size has no effect with batch=passthrough",
        "batch.max_wait_time_ms has no effect with batch=passthrough",
    ]
    assert container["version"] == "0.3.1"
    assert (container["server"]["host"], container["server"]["port"]) == ("0.0.0.0", 8000)  # noqa: S104
    assert (
        container["model"]
        | {
            "model_id": "Qwen/Qwen2.5-1.5B-Instruct-AWQ",
            "quantization": "awq",
            "gpu_memory_utilization": 0.7,
        }
        == container["model"]
    )
    assert (container["batch"]["max_batch_size"], container["batch"]["max_wait_time_ms"]) == (8, 50.0)
    assert (container["cache"]["_target_"], container["cache"]["maxsize"]) == ("vgate.cache.lru.LruCache", 1000)
    assert container["logging"]["level"] == "INFO"
    assert container["logging"]["json_format"] is True
    security = container["security"]
    assert (security["_target_"], security["exempt_paths"]) == ("vgate.security.keys.Keys", ["/health", "/metrics"])
    given = {name: value for name, value in security["api_keys"][0].items() if value is not None}
    assert given == {"key": "sk-vgate-prod-xxxxx", "name": "production", "rate_limit": 100}
    rates = {"enabled": True, "default_limit": 60, "window_seconds": 60}
    assert security["rate_limiting"] | rates == security["rate_limiting"]


def test_a_model_id_alone_brings_the_settings_of_that_model(tmp_path: Path) -> None:
    model = serve(**written(tmp_path, FLAT)).settings.model
    assert model.public_name == "Qwen/Qwen2.5-1.5B-Instruct-AWQ"
    assert (model.max_model_len, model.dtype, model.enable_prefix_caching) == (4096, "half", True)


def test_an_unknown_model_id_brings_vllms_own_settings(tmp_path: Path) -> None:
    model = serve(**written(tmp_path, "model: {model_id: some/model}")).settings.model
    assert model.public_name == "some/model"
    assert (model.max_model_len, model.enforce_eager) == (None, False)


def test_a_chosen_model_keeps_its_settings_under_another_id(tmp_path: Path) -> None:
    chosen = serve("+preset=cpu", **written(tmp_path, "model: {model_id: /somewhere/tiny}")).settings.model
    assert (chosen.model_id, chosen.public_name) == ("/somewhere/tiny", "tiny")
    named = serve("model=tiny", **written(tmp_path, "model: {model_id: Qwen/Qwen2.5-0.5B-Instruct}")).settings.model
    assert named.public_name == "tiny"


@pytest.mark.parametrize(
    ("text", "section", "option"),
    [
        ("cache: {enabled: false, maxsize: 10}", "cache", "none.NoCache"),
        ("cache: {enabled: true, maxsize: 10}", "cache", "lru.LruCache"),
        ("dedup: {enabled: true}", "dedup", "batch.BatchDedup"),
        ("dedup: {enabled: false}", "dedup", "none.NoDedup"),
        ("security: {enabled: false, api_keys: [{key: a, name: a}]}", "security", "none.Open"),
        ("security: {enabled: true, api_keys: [{key: a, name: a}]}", "security", "keys.Keys"),
    ],
)
def test_enabled_switches_a_component_on_and_off(tmp_path: Path, text: str, section: str, option: str) -> None:
    assert serve(**written(tmp_path, text)).container[section]["_target_"] == f"vgate.{section}.{option}"


def test_switching_off_leaves_a_note_about_the_rest(tmp_path: Path) -> None:
    environ = written(tmp_path, "cache: {enabled: false, maxsize: 10}")
    assert serve(**environ).notes == [
        f"cache.maxsize (from {environ['VGATE_CONFIG_PATH']}) has no effect with cache=none"
    ]


@pytest.mark.parametrize(
    ("text", "override", "option"),
    [
        ("cache: {enabled: false}", "cache=lru", "lru.LruCache"),
        ("cache: {enabled: true}", "cache=none", "none.NoCache"),
        ("cache: none", "cache.enabled=true", "lru.LruCache"),
        ("cache: lru", "cache.enabled=false", "none.NoCache"),
    ],
)
def test_a_stronger_layer_switches_back(tmp_path: Path, text: str, override: str, option: str) -> None:
    assert serve(override, **written(tmp_path, text)).container["cache"]["_target_"] == f"vgate.cache.{option}"


def test_enabled_takes_true_and_false_only(tmp_path: Path) -> None:
    environ = written(tmp_path, "cache: {enabled: maybe}")
    assert wrong(**environ) == f"cache.enabled = 'maybe' (from {environ['VGATE_CONFIG_PATH']}): must be true or false"


def test_what_cannot_be_switched_has_no_switch() -> None:
    assert wrong("batch.enabled=false").startswith("batch.enabled = False (from the command line): unknown key")
