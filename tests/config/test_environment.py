"""Settings from environment variables."""

import pytest

from tests.config.composing import serve, wrong

KUBERNETES = {
    "VGATE_PORT": "tcp://10.0.0.7:8000",
    "VGATE_PORT_8000_TCP": "tcp://10.0.0.7:8000",
    "VGATE_PORT_8000_TCP_ADDR": "10.0.0.7",
    "VGATE_PORT_8000_TCP_PORT": "8000",
    "VGATE_PORT_8000_TCP_PROTO": "tcp",
    "VGATE_SERVICE_HOST": "10.0.0.7",
    "VGATE_SERVICE_PORT": "8000",
    "VGATE_SERVICE_PORT_HTTP": "8000",
}


def test_any_key_by_section_and_key_with_its_type() -> None:
    container = serve(
        VGATE_BATCH="lockstep",
        VGATE_BATCH__MAX_BATCH_SIZE="4",
        VGATE_BATCH__MAX_WAIT_TIME_MS="12.5",
        VGATE_SERVER__HOST="0.0.0.0",  # noqa: S104
        VGATE_MODEL__ENFORCE_EAGER="false",
        VGATE_MODEL__REVISION="null",
        VGATE_CACHE_MAXSIZE="7",
        VGATE_SECURITY="keys",
        VGATE_SECURITY__API_KEYS="[{key: sk-a, name: a}]",
        VGATE_SECURITY__RATE_LIMITING__DEFAULT_LIMIT="5",
    ).container
    assert container["batch"] == {
        "_target_": "vgate.batch.lockstep.Lockstep",
        "max_batch_size": 4,
        "max_wait_time_ms": 12.5,
    }
    assert container["server"]["host"] == "0.0.0.0"  # noqa: S104
    assert (container["model"]["enforce_eager"], container["model"]["revision"]) == (False, None)
    assert container["cache"]["maxsize"] == 7
    (key,) = container["security"]["api_keys"]
    assert {name: value for name, value in key.items() if value is not None} == {"key": "sk-a", "name": "a"}
    assert container["security"]["rate_limiting"]["default_limit"] == 5


@pytest.mark.parametrize(("text", "engine"), [("true", "DryRunEngine"), ("false", "VllmEngine")])
def test_dry_run_chooses_the_engine_above_any_preset(text: str, engine: str) -> None:
    assert serve("+preset=cpu", VGATE_DRY_RUN=text).settings.engine.target.endswith(engine)


def test_dry_run_is_below_the_command_line() -> None:
    assert serve("engine=vllm", VGATE_DRY_RUN="true").settings.engine.target.endswith("VllmEngine")


def test_the_short_form_is_the_same_key_and_a_weaker_layers_value_gives_way() -> None:
    composed = serve("+preset=classic", VGATE_CACHE_MAXSIZE="7")
    assert composed.container["cache"]["maxsize"] == 7
    assert composed.sources["cache.maxsize"] == "environment VGATE_CACHE_MAXSIZE"


def test_a_preset_may_come_from_the_environment() -> None:
    assert serve(VGATE_PRESET="classic").container["cache"]["sampled"] is True


def test_what_kubernetes_and_the_client_set_is_not_ours() -> None:
    others = {"VGATE_API_KEY": "sk-a", "VGATE_BASE_URL": "http://x/v1", "vgate_batch": "x", "VGATES": "x"}
    assert serve(**KUBERNETES, **others).container == serve().container


WRONG = {
    "VGATE_BATCH__MAX_BATCH_SIZ=3": (
        "batch.max_batch_siz = 3 (from environment VGATE_BATCH__MAX_BATCH_SIZ): unknown key, did you mean "
        "batch.max_batch_size?; allowed: max_batch_size, max_wait_time_ms"
    ),
    "VGATE_CACH_MAXSIZE=3": (
        "VGATE_CACH_MAXSIZE = '3' (from environment): unknown variable, did you mean VGATE_CACHE_MAXSIZE?; "
        "allowed: VGATE_<SECTION>__<KEY>, VGATE_API_KEY, VGATE_BASE_URL, VGATE_CACHE_MAXSIZE, VGATE_CONFIG_PATH, "
        "VGATE_DRY_RUN"
    ),
    "VGATE_CACHE_MAXSIZE=many": (
        "cache.maxsize = 'many' (from environment VGATE_CACHE_MAXSIZE): must be a valid integer"
    ),
    "VGATE_DRY_RUN=1": "VGATE_DRY_RUN = '1' (from environment): must be true or false",
    "VGATE_BATCH=lockstp": (
        "batch = 'lockstp' (from environment VGATE_BATCH): unknown option, did you mean batch=lockstep?; "
        "allowed: adaptive, lockstep, passthrough, time_window, token_budget"
    ),
    "VGATE_MODEL__MODEL_ID=123": (
        "model.model_id = 123 (from environment VGATE_MODEL__MODEL_ID): must be a valid string"
    ),
}


@pytest.mark.parametrize("variable", WRONG)
def test_a_wrong_variable_is_named(variable: str) -> None:
    name, _, text = variable.partition("=")
    assert wrong(**{name: text}) == WRONG[variable]
