"""The section `admin`: a port needs a token of one's own, and says in one line what is wrong with it."""

from pathlib import Path

import pytest
import yaml

from tests.config.composing import serve, wrong
from vgate.config import conf_dir, from_resolved
from vgate.config.admin_schema import HttpAdminSettings

TOKEN = "0123456789-abcdef"


def test_by_default_there_is_no_port() -> None:
    assert serve().container["admin"] == {"_target_": "vgate.admin.none.NoAdmin"}


@pytest.mark.parametrize("preset", ["classic", "cpu", "dry_run", "prod"])
def test_nor_does_a_preset_open_one(preset: str) -> None:
    assert serve(f"+preset={preset}").container["admin"] == {"_target_": "vgate.admin.none.NoAdmin"}


def test_O8_there_is_no_default_token() -> None:
    assert wrong("admin=http") == (
        "admin.token = None (from the command line): there is no default token; "
        "give admin.token_file, admin.token_env or admin.token"
    )
    for path in (conf_dir() / "admin").glob("*.yaml"):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert [value for name, value in content.items() if "token" in name and value is not None] == []


@pytest.mark.parametrize(("token", "told"), [
    ("''", "has fewer than 16 characters"),
    ("hunter2", "has fewer than 16 characters"),
    ("'hunter2 and hunter2'", "has characters other than visible ASCII"),
    ("'hunter2-hunter2-é'", "has characters other than visible ASCII"),
    ("1234567890123456", "must be a valid string"),
])  # fmt: skip
def test_a_bad_token_is_refused_without_being_shown(token: str, told: str) -> None:
    line = wrong("admin=http", f"admin.token={token}")
    assert line.startswith(f"admin.token = '***' (from the command line): {told}")
    assert "hunter2" not in line


def test_tokens_that_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "token"
    for text, told in (
        (None, f"the file {path} cannot be read: No such file"),
        ("\n", "the file is empty"),
        ("hunter2", "the file has fewer than 16"),
    ):
        if text is not None:
            path.write_text(text)
        line = wrong("admin=http", f"admin.token_file={path}")
        assert line.startswith(f"admin.token_file = '***' (from the command line): {told}")
        assert "hunter2" not in line
    path.write_text(f"{TOKEN}\n")
    assert serve("admin=http", f"admin.token_file={path}")
    line = wrong("admin=http", "admin.token_env=OPERATOR")
    assert line == "admin.token_env = '***' (from the command line): the variable OPERATOR is not set, or empty"
    for misplaced in ("token_env=hunter2-hunter2-hunter2", "token_file=hunter2-hunter2-hunter2"):
        assert "hunter2" not in wrong("admin=http", f"admin.{misplaced}")
    monkeypatch.setenv("OPERATOR", TOKEN)
    assert serve("admin=http", "admin.token_env=OPERATOR")
    two = wrong("admin=http", "admin.token_env=OPERATOR", f"admin.token={TOKEN}")
    assert two == (
        "admin.token = '***' (from the command line): "
        "only one may be given of admin.token_file, admin.token_env or admin.token"
    )


def test_O6_settings_do_not_print_the_token() -> None:
    settings = serve("admin=http", f"admin.token={TOKEN}").settings
    assert isinstance(settings.admin, HttpAdminSettings)
    assert settings.admin.token == TOKEN
    assert TOKEN not in repr(settings)


def test_a_token_without_a_port_is_a_mistake_on_the_command_line_and_a_note_elsewhere() -> None:
    assert "admin=http has it" in wrong(f"admin.token={TOKEN}")
    assert serve(VGATE_ADMIN__TOKEN=TOKEN).notes == [
        "admin.token (from environment VGATE_ADMIN__TOKEN) has no effect with admin=none"
    ]


def test_configurations_from_before_are_still_read() -> None:
    container = serve().container
    del container["admin"]
    assert from_resolved(container, "a file").admin.target == "vgate.admin.none.NoAdmin"
