"""The key that a bench sends."""

from pathlib import Path

import pytest

from vgate.config.keys_together import first_key
from vgate.security.hashes import scrypt_text, sha256_text


def test_the_first_key_is_found_wherever_it_is(tmp_path: Path, no_settings: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("sk-file", encoding="utf-8")
    no_settings.setenv("MY_KEY", "sk-variable")
    assert first_key(None) is first_key([]) is None
    assert first_key([{"key": "sk-a", "name": "a"}, {"key": "sk-b", "name": "b"}]) == "sk-a"
    assert first_key([{"key": None, "key_file": str(tmp_path / "key")}]) == "sk-file"
    assert first_key([{"key_env": "MY_KEY"}]) == "sk-variable"


def test_of_a_hash_the_clients_variable_if_it_is_that_key(no_settings: pytest.MonkeyPatch) -> None:
    hashes = [sha256_text("sk-a"), scrypt_text("sk-a", (2, 1, 1))]
    assert [first_key([{"hash": hashed}]) for hashed in hashes] == [None, None]
    no_settings.setenv("VGATE_API_KEY", "sk-a")
    assert [first_key([{"hash": hashed}]) for hashed in hashes] == ["sk-a", "sk-a"]
    no_settings.setenv("VGATE_API_KEY", "sk-b")
    assert [first_key([{"hash": hashed}]) for hashed in hashes] == [None, None]
