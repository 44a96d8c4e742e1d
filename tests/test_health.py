"""The health check of the images, against gateways."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.certificates import Authority
from tests.servers import Server, running
from vgate import health


@pytest.fixture(scope="module", params=["http", "https"])
def gateway(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A gateway, and its certificate where it has one."""
    pair = Authority().issue(tmp_path_factory.mktemp("certificates") / "server")
    tls = (f"server.tls.cert_file={pair}", f"server.tls.key_file={pair.with_suffix('.key')}")
    with running("+preset=dry_run", *(tls if request.param == "https" else ())) as server:
        yield server, str(pair) if request.param == "https" else ""


def at(settings: pytest.MonkeyPatch, port: int, certificate: str = "") -> Callable[..., int]:
    settings.setenv("VGATE_SERVER__PORT", str(port))
    settings.setenv("VGATE_SERVER__TLS__CERT_FILE", certificate)
    # It asks its own machine; nothing of what is set for other addresses is in its way.
    settings.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    settings.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    return lambda *arguments: health.main(list(arguments))


@pytest.mark.parametrize("path", [(), ("/health",), ("/ready",)])
def test_a_gateway_is_well(gateway: tuple[Server, str], path: tuple[str, ...], no_settings: pytest.MonkeyPatch) -> None:
    server, certificate = gateway
    assert at(no_settings, int(server.base_url.rpartition(":")[2]), certificate)(*path) == 0


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "127.0.0.1"])  # noqa: S104
def test_whether_it_speaks_https_is_found_out(
    gateway: tuple[Server, str], host: str, no_settings: pytest.MonkeyPatch
) -> None:
    """As where the certificate stands in the file at VGATE_CONFIG_PATH."""
    no_settings.setenv("VGATE_SERVER__HOST", host)
    assert at(no_settings, int(gateway[0].base_url.rpartition(":")[2]))() == 0


def test_it_is_asked_where_it_listens(no_settings: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.2", 0)) as listener:
        no_settings.setenv("VGATE_SERVER__HOST", "127.0.0.2")
        answering = threading.Thread(target=lambda: answer(listener, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"))
        answering.start()
        assert at(no_settings, listener.getsockname()[1])() == 0
        answering.join(5)


def test_where_nobody_listens_nobody_is_well(
    no_settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert at(no_settings, port)() == 1
    assert "Connection refused" in capsys.readouterr().err


def test_who_answers_otherwise_is_not_well(
    server_that_says: Callable[[bytes], int], no_settings: pytest.MonkeyPatch
) -> None:
    assert at(no_settings, server_that_says(b"HTTP/1.1 503 Unavailable\r\ncontent-length: 0\r\n\r\n"))("/ready") == 1
    assert at(no_settings, server_that_says(b"what?\r\n\r\n"))() == 1


@pytest.mark.parametrize("arguments", [("/metrics",), ("/health", "/ready")])
def test_other_questions_are_not_asked(
    arguments: tuple[str, ...], no_settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert at(no_settings, 1)(*arguments) == 2
    assert capsys.readouterr().err == f"vgate.health: one of /health, /ready, not {' '.join(arguments)}\n"


def test_a_port_that_is_no_number_is_told(no_settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    no_settings.setenv("VGATE_SERVER__PORT", "many")
    assert health.main([]) == 1
    assert "'many'" in capsys.readouterr().err


@pytest.fixture
def server_that_says() -> Iterator[Callable[[bytes], int]]:
    """Starts a server that gives one answer, and returns its port."""
    threads = []

    def start(text: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        threads.append(threading.Thread(target=answer, args=(listener, text)))
        threads[-1].start()
        return int(listener.getsockname()[1])

    yield start
    for thread in threads:
        thread.join(5)


def answer(listener: socket.socket, text: bytes) -> None:
    """Once."""
    with listener, listener.accept()[0] as connection:
        connection.recv(4096)
        connection.sendall(text)
