"""O6: an API key is never shown."""

import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from tests.config.composing import serve, written, wrong
from vgate.config import cli
from vgate.config.bench_schema import BenchSettings
from vgate.config.secrets import is_secret, without_secrets
from vgate.config.security_schema import ApiKey

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
    (key,) = shown["security"]["api_keys"]
    assert {name: value for name, value in key.items() if value is not None} == {"key": "***", "name": "ann"}
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


SECRET_NAMES = [
    "key", "api_key", "API_KEY", "apiKey", "ssl_keyfile", "hf_token", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "token",
    "token_file",
    "auth_token", "access_tokens", "password", "passwd", "redis_password", "PGPASSWORD", "passphrase", "secret",
    "AWS_SECRET_ACCESS_KEY", "client_secret", "credentials", "Authorization", "proxy-authorization", "basic_auth",
    "cookie",
]  # fmt: skip
OPEN_NAMES = [
    "tokenizer", "prompt_tokens", "output_tokens", "max_num_batched_tokens", "prefill_tokens_per_s", "eos_token",
    "max_tokens_in_flight", "return_tokens_as_token_ids", "url", "name", "model_id", "author", "passthrough",
    "num_key_value_heads",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize("value", ["hunter2", 4711, ["hunter2"], {"one": "hunter2"}])
def test_O6_what_is_called_a_secret_is_one(name: str, value: Any) -> None:
    """Also where it stands in an engine's own arguments, which no schema knows."""
    shown = without_secrets({"engine": {"extra_args": {name: value, "swap_space": 4}}})
    assert "hunter2" not in str(shown)
    assert "4711" not in str(shown)
    assert shown["engine"]["extra_args"]["swap_space"] == 4


@pytest.mark.parametrize("name", OPEN_NAMES)
def test_O6_and_what_only_sounds_like_one_is_shown(name: str) -> None:
    assert without_secrets({name: "shown"}) == {name: "shown"}


def test_O6_whether_there_is_one_is_no_secret() -> None:
    assert without_secrets({"hf_token": True, "password": None}) == {"hf_token": True, "password": None}


def fields(annotation: Any) -> dict[str, bool]:
    """Every field in a type, and whether its section prints it."""
    found: dict[str, bool] = {}
    for inner in typing.get_args(annotation):
        found |= fields(inner)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            found |= {name: field.repr} | fields(field.annotation)
    return found


def test_O6_of_the_schema_nothing_is_blotted_but_its_secrets_and_what_is_not_printed_is() -> None:
    """A secret that comes to it needs a name that is known, or has to be a URL."""
    found = fields(BenchSettings)
    assert len(found) > 80
    keys = {"key", "key_file", "key_env", "hash", "key_password_file", "key_password_env"}
    hidden = keys | {"token", "token_file", "token_env", "headers"}
    assert {name for name in found if is_secret(name)} == hidden | {"api_keys", "allow_credentials"}
    assert {name for name, printed in found.items() if not printed} == hidden | {"url"}


@pytest.mark.parametrize(
    "text",
    [
        "batch=lockstep engine.extra_args.hf_token=hunter2",
        '{"password": "hunter2 and more hunter2", "port": 1}',
        "x={password: 'it\\'s hunter2'}",
        "Authorization: Bearer hunter2",
        "Authorization: Basic hunter2",
        "sent with Bearer hunter2",
        "api_keys=[hunter2, name]",
        "a redis://hunter2@host and http://host?token=hunter2",
    ],
)
def test_O6_a_text_may_hold_secrets(text: str) -> None:
    shown = without_secrets(text)
    assert "hunter2" not in shown
    assert without_secrets(shown) == shown
