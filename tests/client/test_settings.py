from __future__ import annotations

from pathlib import Path

import pytest

from tests.certificates import Authority
from vgate import client as sdk
from vgate.client.settings import DEFAULT_BASE_URL, _tls, http_options


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VGATE_BASE_URL", raising=False)
    monkeypatch.delenv("VGATE_API_KEY", raising=False)


def test_the_default_is_a_gateway_on_this_machine() -> None:
    options = http_options(None, None, 600.0)
    assert DEFAULT_BASE_URL == str(options["base_url"]) == "http://localhost:8000/v1"
    assert options["headers"] == {}


def test_an_empty_environment_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VGATE_BASE_URL", "")
    assert str(http_options(None, None, 600.0)["base_url"]) == DEFAULT_BASE_URL


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000/v1",
        "ftp://host/v1",
        "http://",
        "http://host:port/v1",
        "http://host:99999/v1",
        "http://a..b/v1",
        "http://host/v1?key=1",
        "http://host/v1#top",
        "http://host/v1 ",
        "http://ho st/v1",
        "",
    ],
)
def test_a_wrong_address_is_named(url: str) -> None:
    with pytest.raises(ValueError, match=r"base_url must look like http://localhost:8000/v1, not") as caught:
        sdk.Client(url)
    assert repr(url).replace("?key=1", "?...") in str(caught.value)


@pytest.mark.parametrize("key", ["sk-schlüssel", "sk secret", "sk-secret\n"])
def test_a_wrong_key_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ValueError, match="api_key must be printable ASCII") as caught:
        sdk.Client(api_key=key)
    assert "sk" not in str(caught.value).replace("ask", "")


def test_what_is_wrong_in_the_environment_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VGATE_API_KEY", "sk-secret\n")
    with pytest.raises(ValueError, match=r"^VGATE_API_KEY must be printable ASCII"):
        sdk.Client()
    monkeypatch.setenv("VGATE_BASE_URL", "host:8000")
    with pytest.raises(ValueError, match=r"^VGATE_BASE_URL must look like"):
        sdk.Client()


def test_an_empty_key_is_none_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VGATE_API_KEY", "sk-of-another-server")
    assert http_options("http://host/v1", "", 600.0)["headers"] == {}


@pytest.mark.parametrize(
    "url",
    [
        "http://me:hunter2@host:port/v1",
        "http://me:hunter2/x@host/v1",
        "ftp://me:x@hunter2@host",
        "me:hunter2@host/v1",
        "http://...@host/v1?key=hunter2",
    ],
)
def test_no_part_of_a_password_or_key_in_a_wrong_address_is_shown(url: str) -> None:
    with pytest.raises(ValueError, match=r"not '(http://|ftp://)?\.\.\.@host") as caught:
        sdk.Client(url)
    assert "hunter2" not in str(caught.value)


def test_a_look_inside_a_client_does_not_show_its_key() -> None:
    with sdk.Client(api_key="sk-secret") as client:
        assert "sk-secret" not in str(vars(client))


def test_the_authorities_that_the_environment_names_are_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_bytes(Authority().pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert len(_tls.__wrapped__().get_ca_certs()) == 1


def test_connections_rest_for_less_time_than_servers_keep_them() -> None:
    """uvicorn and vLLM close them after 5 s."""
    assert http_options(None, None, 600.0)["limits"].keepalive_expiry < 5


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan")])
def test_a_timeout_must_be_positive(seconds: float) -> None:
    with pytest.raises(ValueError, match="timeout must be a positive number of seconds or None"):
        sdk.Client(timeout=seconds)


def test_connecting_is_given_up_sooner_than_answering() -> None:
    timeout = http_options(None, None, 600.0)["timeout"]
    assert (timeout.connect, timeout.read) == (5.0, 600.0)
    assert http_options(None, None, 1.0)["timeout"].connect == 1.0
    assert http_options(None, None, None)["timeout"].read is None
    assert http_options(None, None, float("inf"))["timeout"].read == 1e6  # sockets take no more than some
