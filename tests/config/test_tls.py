"""`server.tls`: what OpenSSL could not serve with is told at load, in one line that names the key."""

from pathlib import Path

import pytest

from tests.certificates import Authority
from tests.config.composing import serve, wrong
from vgate.config import from_resolved

PASSWORD = "hunter2-hunter2"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def cert(authority: Authority, tmp_path: Path) -> Path:
    return authority.issue(tmp_path / "a")


def tls(**files: object) -> list[str]:
    return [f"server.tls.{name}={value}" for name, value in files.items()]


def test_off_unless_there_are_files() -> None:
    assert not serve().settings.server.tls.on


def test_a_pair_that_matches(cert: Path) -> None:
    settings = serve(*tls(cert_file=cert, key_file=cert.with_suffix(".key"))).settings
    assert settings.server.tls.on
    assert settings.server.tls.password is None


def test_a_key_with_a_password(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cert = authority.issue(tmp_path / "secret", password=PASSWORD)
    pair = tls(cert_file=cert, key_file=cert.with_suffix(".key"))
    assert "server.tls.key_file" in (line := wrong(*pair))
    assert "is encrypted; server.tls.key_password_file or server.tls.key_password_env must say" in line
    file = tmp_path / "password"
    file.write_text("not this one\n")
    assert "key_file" in (line := wrong(*pair, *tls(key_password_file=file)))
    assert line.endswith(": the password is wrong")
    file.write_text(f"{PASSWORD}\n")
    assert serve(*pair, *tls(key_password_file=file)).settings.server.tls.password == PASSWORD
    monkeypatch.setenv("KEY_PASSWORD", PASSWORD)
    settings = serve(*pair, *tls(key_password_env="KEY_PASSWORD")).settings
    assert settings.server.tls.password == PASSWORD
    assert PASSWORD not in repr(settings)
    assert "only one may be given" in wrong(*pair, *tls(key_password_file=file, key_password_env="KEY_PASSWORD"))


def test_what_is_wrong_is_told_by_its_key(authority: Authority, cert: Path, tmp_path: Path) -> None:
    other, empty = authority.issue(tmp_path / "b"), tmp_path / "empty"
    empty.write_text("")
    key = cert.with_suffix(".key")
    for files, told in (
        ({"cert_file": "/nowhere", "key_file": key}, "cert_file = '/nowhere' (from the command line): the file /nowhere cannot be read"),
        ({"cert_file": empty, "key_file": key}, f"cert_file = '{empty}' (from the command line): holds no certificate"),
        ({"cert_file": cert, "key_file": "/nowhere"}, "key_file = '***' (from the command line): the file /nowhere cannot be read"),
        ({"cert_file": cert, "key_file": empty}, f"key_file = '***' (from the command line): holds no private key"),
        ({"cert_file": cert, "key_file": tmp_path}, f"key_file = '***' (from the command line): the file {tmp_path} cannot be read"),
        ({"cert_file": other, "key_file": key}, f"is not the key of the certificate in {other}"),
        ({"cert_file": cert}, "key_file = None (from conf/): must be given too, for server.tls.cert_file is"),
        ({"key_file": key}, "(from the command line): needs server.tls.cert_file beside it"),
        ({"client_ca_file": cert}, "key_file = None (from conf/): must be given too, for server.tls.client_ca_file is"),
        (
            {"cert_file": cert, "key_file": key, "client_ca_file": empty},
            f"client_ca_file = '{empty}' (from the command line): holds no certificate",
        ),
        (
            {"cert_file": cert, "key_file": key, "key_password_env": "NO_SUCH_VARIABLE"},
            "key_password_env = '***' (from the command line): the variable NO_SUCH_VARIABLE is not set",
        ),
    ):  # fmt: skip
        line = wrong(*tls(**files))
        assert line.startswith("server.tls."), files
        assert told in line, files


def test_configurations_from_before_are_still_read() -> None:
    container = serve().container
    del container["server"]["tls"], container["server"]["cors"]
    server = from_resolved(container, "a file").server
    assert not server.tls.on
    assert not server.cors.allow_origins
