"""`python -m vgate.keys new`."""

import subprocess
import sys

import pytest
import yaml

from tests.config.composing import serve
from vgate.config.security_schema import KeysSettings
from vgate.keys import made
from vgate.security.hashes import Scrypt, digest_of, parse


def new(*arguments: str) -> list[str]:
    command = [sys.executable, "-m", "vgate.keys", "new", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize("slow", [[], ["--scrypt"]])
def test_a_new_key_is_shown_once_with_the_line_that_configures_it(slow: list[str]) -> None:
    lines = new("--name", "it's mine", *slow)
    key, line = [line for line in lines if not line.startswith("#")]
    (api_key,) = yaml.safe_load(line)
    assert api_key["name"] == "it's mine"
    hashed = parse(api_key["hash"])
    assert hashed.matches(key) if isinstance(hashed, Scrypt) else hashed == digest_of(key)
    assert isinstance(hashed, Scrypt) == bool(slow)
    assert key not in line
    assert len(key) > 40
    assert new(*slow) != new(*slow)


def test_the_line_is_taken_by_the_configuration_also_on_a_command_line() -> None:
    line = made("a", slow=True)[-1].removeprefix("- ")
    security = serve("security=keys", f"security.api_keys=[{line}]").settings.security
    assert isinstance(security, KeysSettings)
    assert security.api_keys[0].hash is not None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["old"], "argument command: invalid choice: 'old'"),
        ([], "the following arguments are required: command"),
        (["new", "--name"], "argument --name: expected one argument"),
        (["new", "--name", ""], "--name = '': must be 1 to 100 printable characters"),
        (["new", "--name", "a\nb"], "--name = 'a\\nb': must be"),
    ],
)
def test_a_wrong_argument_is_told_in_one_line(arguments: list[str], told: str) -> None:
    done = subprocess.run([sys.executable, "-m", "vgate.keys", *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith(f"vgate: {told}")
