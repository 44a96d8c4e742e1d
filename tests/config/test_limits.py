"""The section `limits`: where API keys' use is counted."""

import pytest

from tests.config.composing import serve, wrong

KEYED = ("security=keys", "security.api_keys=[{name: a, key: sk-a}]")


@pytest.mark.parametrize(("url", "told"), [
    ("redis://:hunter2@h:notaport/0", "must have a host and at most a port up to 65535"),
    ("redis://ann:9hunt", "must have a host and at most a port up to 65535"),
    ("redis://:hunter/2@h:6379/0", "must have a host and at most a port up to 65535"),
    ("redis://h:99999999/0", "must have a host and at most a port up to 65535"),
    ("rediss://:hunter2@h:6379/first", "must have nothing but the number of a database"),
    ("unix://", "must have the path of a socket"),
    ("http://ann:hunter2@h", "must begin with redis://, rediss:// or unix://"),
])  # fmt: skip
@pytest.mark.parametrize("section", ["cache", "limits"])
def test_a_redis_that_there_cannot_be_is_told_at_the_start(section: str, url: str, told: str) -> None:
    line = wrong(*KEYED, f"{section}=redis", f"{section}.url='{url}'")
    assert line.startswith(f"{section}.url = ")
    assert f"(from the command line): {told}" in line
    assert "hunter" not in line


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis://h",
        "redis://h:1/",
        "redis://:a%2Fb@h:1/15?protocol=3",
        "rediss://[::1]:6379/0",
        "unix:///a.sock?db=2",
    ],
)
def test_a_redis_that_there_can_be(url: str) -> None:
    assert serve(*KEYED, "limits=redis", f"limits.url='{url}'").container["limits"]["url"] == url


@pytest.mark.parametrize(("key", "value"), [
    ("limits.timeout_ms", 1e300), ("limits.slot_ttl_s", 1e300), ("security.rate_limiting.window_seconds", 1e300),
    ("security.rate_limiting.tokens_per_byte", 1e308),
])  # fmt: skip
def test_what_could_not_be_counted_is_refused(key: str, value: float) -> None:
    """Redis' own numbers end long before, and the estimate would be infinite."""
    assert wrong(*KEYED, "limits=redis", f"{key}={value}").startswith(
        f"{key} = {value} (from the command line): must be l"
    )


def test_an_empty_host_is_not_taken_for_every_address() -> None:
    assert wrong("server.host=''").startswith("server.host = ''")
