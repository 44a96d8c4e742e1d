"""Values that no component could work with are refused when they are read, in V-Gate's words."""

import time

import pytest

from tests.config.composing import serve, wrong
from vgate.config.secrets import without_secrets

KEYS = ["security=keys", "security.api_keys=[{name: a, key: sk-a}]"]
HUGE = 10**30


@pytest.mark.parametrize(
    ("overrides", "why"),
    [
        (["server.host=''"], "must have at least 1 character"),
        (["model.served_model_name=''"], "must have at least 1 character"),
        (["server.client_timeout_s=1e308"], "must be less than or equal to 1000000000000"),
        (["batch=lockstep", "batch.max_wait_time_ms=1e300"], "must be less than or equal to 1000000000000"),
        ([f"queue.max_waiting={HUGE}"], "must be less than or equal to 9007199254740992"),
        (["tracing=otlp", f"tracing.max_queue_spans={HUGE}"], "must be less than or equal to 9007199254740992"),
        (["tracing=otlp", "tracing.timeout_s=1e10"], "must be less than or equal to 3600"),
        (["tracing=otlp", "tracing.endpoint=http://"], "must be a URL with a host, such as http://collector:4318/"),
        (
            ["tracing=otlp", "tracing.endpoint='http://[::1'"],
            "must be a URL with a host, such as http://collector:4318/",
        ),
        (["server.cors.allow_headers=[a b]"], "'a b' is no name of a header"),
        (['server.cors.expose_headers=["a\\r\\nb: c"]'], r"'a\\r\\nb: c' is no name of a header"),
        ([*KEYS, "security.exempt_paths=['/v1/*']"], "paths are compared whole, without wildcards: '/v1/*' is no "),
        ([*KEYS, "security.exempt_paths=[/health, /metric]"], "'/metric' is no path of this server; there are: /v1/"),
        ([KEYS[0], 'security.api_keys=[{name: "a\tb", key: sk-a}]'], "must be printable, on one line"),
        ([KEYS[0], f"security.api_keys=[{{name: {'x' * 101}, key: sk-a}}]"], "must have at most 100 characters"),
        ([KEYS[0]], "must have at least 1 item"),
        (["server.tls=5"], "must be a mapping of keys to values"),
        (["batch._target_=null"], "must name the class that the section is built from"),
        (["server.port=${nope}"], "Interpolation key 'nope' not found"),
        (["server.port=???"], "stands for a value that is still to be given"),
    ],
)
def test_the_key_and_what_is_allowed_are_told(overrides: list[str], why: str) -> None:
    key = overrides[-1].partition("=")[0]
    line = wrong(*overrides)
    assert line.startswith("security.api_keys" if key == "security" else key)
    assert " (from the command line): " in line
    assert why in line


@pytest.mark.parametrize("name", ["a b", "a:b", "é"])
def test_names_of_headers(name: str) -> None:
    line = wrong("tracing=otlp", VGATE_TRACING__HEADERS=f"{{'{name}': c}}")
    assert line.endswith("(from environment VGATE_TRACING__HEADERS): must be names and values of HTTP headers")


def test_no_key_at_all() -> None:
    assert wrong("=3") == " = 3 (from the command line): is no key: names with dots between them"
    assert "cannot be read" in wrong("batch.max_batch_size=" + "[" * 3000)


def test_what_switched_a_section_on_is_where_its_mistakes_come_from() -> None:
    line = wrong(VGATE_SECURITY__ENABLED="true")
    assert line == "security.api_keys = [] (from environment VGATE_SECURITY__ENABLED): must have at least 1 item"


@pytest.mark.parametrize("value", ["[{name: a, key: sk-a}]", "sk-a"])
def test_keys_that_nobody_is_asked_for_are_a_mistake_unless_somebody_says_so(value: str) -> None:
    environ = {"VGATE_SECURITY__API_KEYS": value}
    line = wrong(**environ)
    assert "(from environment VGATE_SECURITY__API_KEYS): nobody is asked for them; say security=keys or " in line
    assert "sk-a" not in line
    told = "security.api_keys (from environment VGATE_SECURITY__API_KEYS) has no effect with security=none"
    assert serve("security=none", **environ).notes == [told]
    assert serve(VGATE_SECURITY__ENABLED="false", **environ).notes == [told]


@pytest.mark.parametrize(
    ("overrides", "hint"),
    [
        (["security=keys", "security.api_keys=[{kye: sk-secret, name: a}]"], "did you mean security.api_keys.0.key?"),
        (["security=keys", "security.api_keys=[{foo: sk-secret, name: a}]"], "unknown key; allowed: "),
        (["admin=http", "admin.tokn=sk-secret-sk-secret"], "did you mean admin.token?"),
    ],
)
def test_O6_a_secret_under_a_misspelt_name_is_not_shown(overrides: list[str], hint: str) -> None:
    line = wrong(*overrides)
    assert "sk-secret" not in line
    assert "= '***' (from the command line): unknown key" in line
    assert hint in line


def test_of_a_long_value_the_beginning_is_shown() -> None:
    line = wrong(f"server.port={'x' * 5000}")
    assert len(line) < 500
    assert line.startswith("server.port = 'xxx")


def test_a_long_word_is_searched_for_secrets_in_no_time() -> None:
    begin = time.perf_counter()
    assert without_secrets("x" * 200_000) == "x" * 200_000
    assert time.perf_counter() - begin < 2
    assert without_secrets("1key=sk-secret ékey: sk-secret") == "1key=*** ékey: ***"
