"""What workers answer to checks, by kind of server."""

import orjson
import pytest

from tests.workers.rigs import spec
from vgate.workers.probe import Prober
from vgate.workers.worker import Probe, Worker

MODELS = {"object": "list", "data": [{"id": "m", "object": "model"}]}
OK = (200, b"{}")
LIST = (200, orjson.dumps(MODELS))


class Server:
    """By path what it answers; 404 to the rest."""

    def __init__(self, answers: dict[str, tuple[int, bytes]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def get(self, worker: Worker, path: str) -> tuple[int, bytes]:
        self.asked.append(path)
        return self.answers.get(path, (404, b""))


async def found(answers: dict[str, tuple[int, bytes]], path: str | None = None) -> Probe:
    return await Prober(Server(answers).get, path)(Worker(spec(0)))


async def test_a_v_gate() -> None:
    assert await found({"/ready": OK, "/health": OK, "/v1/models": LIST}) == Probe(True, (MODELS["data"][0],))


@pytest.mark.parametrize("answers", [{"/ready": (503, b"")}, {"/ready": (503, b""), "/health": OK, "/v1/models": LIST}])
async def test_a_v_gate_that_drains_or_loads_is_alive_and_not_ready(answers: dict[str, tuple[int, bytes]]) -> None:
    assert await found(answers) == Probe(False, why="/ready answers 503", sure=True)


async def test_vllm() -> None:
    assert (await found({"/health": OK, "/v1/models": LIST})).ready
    assert await found({"/health": (500, b""), "/v1/models": LIST}) == Probe(False, why="/health answers 500")


async def test_any_other_server_by_its_models() -> None:
    assert (await found({"/v1/models": LIST})).ready
    assert await found({}) == Probe(False, why="/v1/models answers 404")


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_is_refused_makes_it_unready(status: int) -> None:
    """vLLM's /health needs no key; its requests do."""
    why = f"/v1/models answers {status}, the key is refused"
    assert await found({"/health": OK, "/v1/models": (status, b"")}) == Probe(False, why=why, sure=True)


@pytest.mark.parametrize(
    "body",
    [
        *[b"<html>", b"[]", b"{}", b"\xff", b"null"],
        *[b'{"data": 3}', b'{"data": [3]}', b'{"data": [{}]}', b'{"data": [{"id": ["a"]}]}'],
    ],
)
async def test_a_web_server_that_answers_everything_is_no_worker(body: bytes) -> None:
    answers = dict.fromkeys(("/ready", "/health", "/v1/models"), (200, body))
    assert await found(answers) == Probe(False, why="/v1/models is no list of models")


async def test_one_without_a_list_of_models_is_ready_if_its_health_says_so() -> None:
    assert await found({"/health": OK}) == Probe(True)


async def test_a_path_that_is_configured_decides() -> None:
    assert await found({"/alive": OK}, "/alive") == Probe(True)
    assert await found({"/ready": OK, "/v1/models": LIST}, "/alive") == Probe(False, why="/alive answers 404")


async def test_the_path_that_a_worker_knows_is_remembered_until_it_knows_it_no_more() -> None:
    server, worker = Server({"/health": OK, "/v1/models": LIST}), Worker(spec(0))
    prober = Prober(server.get, None)
    await prober(worker)
    assert server.asked == ["/ready", "/health", "/v1/models"]
    await prober(worker)
    assert server.asked[3:] == ["/health", "/v1/models"]
    server.answers = {"/ready": (503, b"")}
    await prober(worker)
    assert not (await prober(worker)).ready
