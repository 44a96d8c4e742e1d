"""O6: an API key is never shown."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.config.composing import serve, written, wrong
from vgate.config import cli
from vgate.config.schema import ApiKey
from vgate.config.secrets import without_secrets

KEYED = ["security=keys", "security.api_keys=[{key: sk-secret, name: ann}]"]


def test_O6_the_shown_configuration_has_no_keys_and_all_else(capsys: pytest.CaptureFixture[str]) -> None:
    cli.show(serve(*KEYED).container, ["a note"])
    shown = capsys.readouterr().out
    assert "sk-secret" not in shown
    assert "key: '***'" in shown
    assert "name: ann" in shown
    assert shown.startswith("# a note\n")


def test_O6_nor_does_the_program_itself_show_them() -> None:
    command = [sys.executable, "-m", "vgate.serve", "--cfg", "job", *KEYED]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    shown = yaml.safe_load(run.stdout)
    assert shown == without_secrets(serve(*KEYED).settings.model_dump(by_alias=True))
    assert shown["security"]["api_keys"] == [{"key": "***", "name": "ann", "rate_limit": None}]
    assert "sk-secret" not in run.stdout + run.stderr


def test_O6_blotting_changes_a_copy() -> None:
    container = serve(*KEYED).container
    blotted = without_secrets(container)
    assert container["security"]["api_keys"][0]["key"] == "sk-secret"
    blotted["security"]["api_keys"] = container["security"]["api_keys"]
    assert blotted == container


def test_O6_settings_do_not_print_their_keys() -> None:
    assert "sk-secret" not in repr(serve(*KEYED).settings)
    assert "sk-secret" not in str(ApiKey(key="sk-secret", name="ann"))


@pytest.mark.parametrize(
    "value",
    [
        "[{key: sk-secret, name: ann}, {key: sk-secret, name: bob}]",
        "[{key: sk-secret, name: ann}, {key: sk-other, name: ann}]",
        "[{key: sk-secret, name: ann, colour: red}]",
        "[{key: [sk-secret], name: ann}]",
        "[{key: sk-secret}]",
        "{key: sk-secret, name: ann}",
        "[sk-secret]",
        "sk-secret",
        "[{key: sk-secret, name: ann}",
        "sk-secret,sk-other",
    ],
)
def test_O6_a_mistake_in_the_keys_does_not_show_them(value: str) -> None:
    line = wrong("security=keys", f"security.api_keys={value}")
    assert line.startswith("security.api_keys")
    assert "sk-secret" not in line
    assert "sk-secret" not in wrong("security=keys", VGATE_SECURITY__API_KEYS=value)


@pytest.mark.parametrize(
    "override",
    ["security.api_kyes=[{key: sk-secret, name: ann}]", "securitas.api_keys=[{key: sk-secret, name: ann}]",
     "~security.api_keys=sk-secret", "security.api_keys@x=sk-secret", "security={api_keys: [{key: sk-secret}]}",
     "security=none", "security.rate_limiting=[{key: sk-secret}]"],
)  # fmt: skip
def test_O6_nor_do_keys_in_the_wrong_place(override: str) -> None:
    assert "sk-secret" not in wrong("security.api_keys=[{key: sk-secret, name: ann}]", override)


def test_O6_nor_does_a_broken_file(tmp_path: Path) -> None:
    line = wrong(**written(tmp_path, "security:\n  api_keys: [{key: sk-secret, name: ann}\n"))
    assert "in line 3" in line
    assert "sk-secret" not in line


def test_O6_nor_does_a_misspelt_variable() -> None:
    assert "sk-secret" not in wrong(VGATE_SECURITY_API_KEYS="sk-secret")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:secret@h:6379/0", "redis://***@h:6379/0"),
        ("rediss://ann:secret@h/0", "rediss://***@h/0"),
        ("redis://ann:sec@ret/?@h:1", "redis://***@h:1"),
        ("redis://h/0?password=secret", "redis://h/0?***"),
        ("unix://ann:secret@/tmp/redis.sock", "unix://***@/tmp/redis.sock"),
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("no URL, an @ and a ?", "no URL, an @ and a ?"),
    ],
)
def test_O6_credentials_in_a_url_are_not_shown(url: str, shown: str) -> None:
    assert without_secrets({"cache": {"url": url}}) == {"cache": {"url": shown}}


def test_O6_a_wrong_cache_url_is_refused_without_its_password() -> None:
    message = wrong("cache=redis", "cache.url=http://ann:secret@h")
    assert "secret" not in message
    assert message.startswith("cache.url = 'http://***@h' (from the command line): ")
    assert "redis://" in message


def test_O6_settings_do_not_print_their_urls() -> None:
    assert "secret" not in repr(serve("cache=redis", "cache.url=redis://ann:secret@h").settings)
