"""Keys as they are configured: where they come from, and what is told at the start of what cannot be (R14)."""

from pathlib import Path

import pytest

from tests.config.composing import serve, wrong
from vgate.config.security_schema import KeysSettings
from vgate.security.hashes import scrypt_text, sha256_text

HASH = sha256_text("sk-secret")
SLOW = scrypt_text("sk-secret", (2, 1, 1))
FROM = "(from the command line)"


def keyed(*keys: str, extra: tuple[str, ...] = ()) -> list[str]:
    return ["security=keys", f"security.api_keys=[{', '.join(keys)}]", *extra]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text("sk-secret\n", encoding="utf-8")
    return path


def test_a_key_has_one_source_of_four(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-variable")
    keys = [f"{{hash: {SLOW}, name: a}}", f"{{key_file: {key_file}, name: b}}", "{key_env: MY_KEY, name: c}"]
    keys += ["{key: sk-plain, name: d, token_limit: 5, concurrency: 2, models: [tiny], cache_scope: x, priority: 2}"]
    security = serve(*keyed(*keys)).settings.security
    assert isinstance(security, KeysSettings)
    assert [key.name for key in security.api_keys] == ["a", "b", "c", "d"]
    assert len({key.identity for key in security.api_keys}) == 4


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("name: a", "has none of them"),
        ("name: a, key: sk-secret, hash: '" + HASH + "'", "has key and hash"),
        ("name: a, key: sk-secret, key_env: HOME", "has key and key_env"),
    ],
)
def test_none_or_two_of_them_is_told(key: str, told: str) -> None:
    line = wrong(*keyed(f"{{{key}}}"))
    assert line.startswith("security.api_keys.0 = {")
    assert line.endswith(f"{FROM}: must have exactly one of key, hash, key_file, key_env; {told}")
    assert "sk-secret" not in line
    assert HASH not in line


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("hash: sk-secret", "hash = '***' {}: must be sha256:<64 hexadecimal digits> or scrypt:<n>:<r>:<p>:"),
        ("key_file: /no/such/file", "key_file = '***' {}: the file /no/such/file cannot be read: No such file"),
        ("key_file: sk-secret", "key_file = '***' {}: the file cannot be read: No such file or directory"),
        ("key_file: /proc/self/environ", "key_file = '***' {}: the file must hold a key, printable ASCII without"),
        ("key_env: NO_SUCH_KEY", "key_env = '***' {}: the variable NO_SUCH_KEY is not set"),
        ("key_env: sk-secret", "key_env = '***' {}: the variable is not set, or empty"),
        ("key: sk-a, rate_limt: 5", "rate_limt = 5 {}: unknown key, did you mean security.api_keys.0.rate_limit?"),
        ("key: sk-a, rate_limit: 0", "rate_limit = 0 {}: must be greater than or equal to 1"),
        ("key: sk-a, token_limit: many", "token_limit = 'many' {}: must be a valid integer"),
        ("key: sk-a, models: []", "models = [] {}: must have at least 1 item"),
        ("key: sk-a, models: [gpt-4]", "models = ['gpt-4'] {}: 'gpt-4' is not served; served: tiny"),
    ],
)  # fmt: skip
def test_R14_what_cannot_be_or_matches_nothing_is_one_clear_line(key: str, line: str) -> None:
    told = wrong(*keyed(f"{{name: a, {key}}}"))
    assert told.startswith(f"security.api_keys.0.{line.format(FROM)}")
    assert "sk-secret" not in told


def test_R14_an_empty_variable_or_file_is_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(" \n", encoding="utf-8")
    monkeypatch.setenv("EMPTY", "")
    for source in (f"key_file: {tmp_path / 'key'}", "key_env: EMPTY"):
        assert "empty" in wrong(*keyed(f"{{name: a, {source}}}"))


def test_R14_the_same_key_twice_is_told_whatever_it_comes_from(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret")
    sources = ["key: sk-secret", f"hash: '{HASH}'", f"key_file: {key_file}", "key_env: MY_KEY"]
    for number, source in enumerate(sources):
        other = sources[(number + 1) % len(sources)]
        line = wrong(*keyed(f"{{name: a, {source}}}", f"{{name: b, {other}}}"))
        assert "every key must be there once" in line
        assert "sk-secret" not in line
    assert "every key" in wrong(*keyed(f"{{name: a, hash: '{SLOW}'}}", f"{{name: b, hash: '{SLOW}'}}"))
    assert "every name" in wrong(*keyed("{name: a, key: sk-a}", "{name: a, key: sk-b}"))


def test_R14_priority_within_what_the_queue_knows() -> None:
    line = wrong(*keyed("{name: a, key: sk-a, priority: -11}"), "queue=priority")
    assert line == f"security.api_keys.0.priority = -11 {FROM}: must be from -10 to 10 (queue.most)"


def test_R14_an_exempt_path_that_is_none_is_told() -> None:
    line = wrong(*keyed("{name: a, key: sk-a}"), "security.exempt_paths=[/health, ready]")
    assert line.endswith("every path must begin with /, or it is no request's: 'ready'")


def test_R14_what_has_no_effect_beside_other_settings_is_noted() -> None:
    limited = "{name: a, key: sk-a, rate_limit: 5, token_limit: 7, concurrency: 2, priority: 1}"
    assert serve(*keyed(limited), "security.rate_limiting.enabled=false").notes == [
        "security.api_keys.0.rate_limit has no effect with security.rate_limiting.enabled=false",
        "security.api_keys.0.token_limit has no effect with security.rate_limiting.enabled=false",
        "security.api_keys.0.concurrency has no effect with security.rate_limiting.enabled=false",
        "security.api_keys.0.priority has no effect with queue=fifo",
    ]
    assert serve("limits=redis").notes == ["limits=redis has no effect with security=none"]
    assert serve(*keyed(limited), "limits=redis", "queue=priority").notes == []


def test_a_bench_needs_the_key_itself(no_settings: pytest.MonkeyPatch) -> None:
    from vgate.config import compose  # the bench's own sections are loaded here

    for hashed in (HASH, SLOW):
        words = keyed(f"{{name: a, hash: '{hashed}'}}", "{name: b, key: sk-b}")
        for given in (None, "sk-other"):
            if given:
                no_settings.setenv("VGATE_API_KEY", given)
            line = wrong(*words, program="bench")
            assert line.startswith(f"security.api_keys.0.hash = '***' {FROM}: a bench has to send the key itself: ")
            assert "VGATE_API_KEY" in line
            assert "sk-other" not in line
        no_settings.setenv("VGATE_API_KEY", "sk-secret")
        assert compose("bench", words, {}).container["security"]["api_keys"][0]["hash"] == hashed
        no_settings.delenv("VGATE_API_KEY")
