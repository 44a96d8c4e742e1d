"""HTTPS, by uvicorn's options."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.certificates import Authority
from tests.servers import Server, running, start

CHAT = "/v1/chat/completions"
BODY = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 5}


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


def pair(cert: Path) -> tuple[str, str]:
    return f"server.tls.cert_file={cert}", f"server.tls.key_file={cert.with_suffix('.key')}"


@pytest.fixture(scope="module")
def server(authority: Authority, folder: Path) -> Iterator[Server]:
    """With a key that has a password, which lies in the environment."""
    cert = authority.issue(folder / "server", password="hunter2")
    settings = (*pair(cert), "server.tls.key_password_env=KEY_PASSWORD", "engine.decode_step_ms=1")
    with running("+preset=dry_run", *settings, env={"KEY_PASSWORD": "hunter2"}) as server:
        yield server


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority.pem.decode())


def test_answers_are_proved_by_the_certificate(server: Server, authority: Authority) -> None:
    assert server.base_url.startswith("https://")
    with httpx.Client(base_url=server.base_url, verify=trusting(authority)) as client:
        assert client.get("/health").json() == {"status": "ok"}
        assert client.post(CHAT, json=BODY).status_code == 200
        with client.stream("POST", CHAT, json={**BODY, "stream": True}) as response:
            assert [line for line in response.iter_lines() if line][-1] == "data: [DONE]"


def test_who_trusts_another_authority_is_not_fooled(server: Server) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{server.base_url}/health", verify=trusting(Authority()))


def test_old_versions_are_refused(server: Server, authority: Authority) -> None:
    context = trusting(authority)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert httpx.get(f"{server.base_url}/health", verify=context).status_code == 200
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.base_url}/health", verify=context)


def test_plain_http_gets_no_answer_and_leaves_no_mess(server: Server, authority: Authority) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(server.base_url.replace("https://", "http://") + "/health", timeout=10)
    assert httpx.get(f"{server.base_url}/health", verify=trusting(authority)).status_code == 200
    assert [line for line in server.lines if line["level"] == "error"] == []
    assert "hunter2" not in str(server.lines)


def test_clients_may_have_to_show_a_certificate_too(authority: Authority, folder: Path) -> None:
    ca, cert, mine = folder / "ca.pem", authority.issue(folder / "other"), authority.issue(folder / "client")
    ca.write_bytes(authority.pem)
    context = trusting(authority)
    with running("+preset=dry_run", *pair(cert), f"server.tls.client_ca_file={ca}") as server:
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{server.base_url}/health", verify=context)
        context.load_cert_chain(mine, mine.with_suffix(".key"))
        assert httpx.get(f"{server.base_url}/health", verify=context).status_code == 200


def test_O4_streams_finish_over_https_too(authority: Authority, folder: Path) -> None:
    server = start("+preset=dry_run", *pair(authority.issue(folder / "third")), "engine.decode_step_ms=20")

    async def stop_midway() -> list[str]:
        async with (
            httpx.AsyncClient(base_url=server.base_url, verify=trusting(authority), timeout=30) as client,
            client.stream("POST", CHAT, json={**BODY, "stream": True, "max_tokens": 60}) as response,
        ):
            lines = response.aiter_lines()
            said = [await anext(lines)]
            server.process.terminate()
            return said + [line async for line in lines if line]

    said = asyncio.run(stop_midway())
    assert said[-1] == "data: [DONE]"
    assert server.stop() == 0
