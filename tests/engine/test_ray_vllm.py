"""A replica of real vLLM under a real Ray."""

import time
from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.servers import Server, running

pytestmark = [pytest.mark.long, pytest.mark.vllm, pytest.mark.timeout(600)]

SETTINGS = ("+preset=ray", "ray.num_cpus=0.1", "ray.health_period_s=1.0", "ray.poll_s=0.5", "cache=none")
QUESTION = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 8, "temperature": 0}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(*SETTINGS) as server:
        yield server


def asked(server: Server) -> httpx.Response:
    return httpx.post(
        f"{server.base_url}/v1/chat/completions", json={**QUESTION, "logprobs": True, "top_logprobs": 2}, timeout=60
    )


def core(server: Server) -> psutil.Process:
    """vLLM's own process, below the replica's."""
    below = psutil.Process(server.process.pid).children(recursive=True)
    (found,) = [process for process in below if "EngineCore" in process.name() + " ".join(process.cmdline())]
    return found


def test_a_vllm_that_dies_is_replaced_with_its_replica_and_says_the_same(server: Server) -> None:
    before = asked(server)
    assert before.status_code == 200, before.text
    (choice,) = before.json()["choices"]
    assert before.json()["usage"]["completion_tokens"] == 8
    assert len(choice["logprobs"]["content"]) == 8
    core(server).kill()
    deadline = time.monotonic() + 240
    while (again := asked(server)).status_code != 200 or len(server.find("worker found")) < 2:
        # Meanwhile it is refused, or ended by an error: never a wrong answer.
        assert again.status_code in {200, 500, 502, 503}, again.text
        assert time.monotonic() < deadline, again.text
        time.sleep(0.5)
    assert again.json()["choices"] == [choice]
