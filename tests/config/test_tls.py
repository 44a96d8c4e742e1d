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
    pair = {"cert_file": cert, "key_file": key}
    for files, named, told in (
        ({**pair, "cert_file": "/nowhere"}, "cert_file = '/nowhere'", "the file /nowhere cannot be read: No such file"),
        ({**pair, "cert_file": empty}, f"cert_file = '{empty}'", "holds no certificate in PEM"),
        ({**pair, "key_file": "/nowhere"}, "key_file = '***'", "the file /nowhere cannot be read: No such file"),
        ({**pair, "key_file": empty}, "key_file = '***'", "holds no private key in PEM"),
        ({**pair, "key_file": tmp_path}, "key_file = '***'", f"the file {tmp_path} cannot be read: Is a directory"),
        ({**pair, "cert_file": other}, "key_file = '***'", f"is not the key of the certificate in {other}"),
        ({"cert_file": cert}, "key_file = None", "must be given too, for server.tls.cert_file is"),
        ({"key_file": key}, "key_file = '***'", "needs server.tls.cert_file beside it"),
        ({"client_ca_file": cert}, "key_file = None", "must be given too, for server.tls.client_ca_file is"),
        ({**pair, "client_ca_file": empty}, f"client_ca_file = '{empty}'", "holds no certificate in PEM"),
        ({**pair, "key_password_env": "NO_SUCH"}, "key_password_env = '***'", "the variable NO_SUCH is not set"),
    ):
        line = wrong(*tls(**files))
        assert line.startswith(f"server.tls.{named} (from "), files
        assert f"): {told}" in line, files


def test_configurations_from_before_are_still_read() -> None:
    container = serve().container
    del container["server"]["tls"], container["server"]["cors"]
    server = from_resolved(container, "a file").server
    assert not server.tls.on
    assert not server.cors.allow_origins
