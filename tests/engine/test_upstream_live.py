"""A gateway in front of real servers: models of several workers, keys, disconnects, ids.

Streams under `kill -9` are in `experiments/kills.py`, which `tests/test_experiments.py` runs for a moment.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.quickest import quickest
from tests.servers import Server, running

WORKER = ("engine=dry_run", "cache=none", "engine.decode_step_ms=4", "engine.decode_step_per_seq_ms=0")
KEYS = ("security=keys", "security.api_keys=[{key: sk-worker, name: gateway}]", "security.rate_limiting.enabled=false")


def behind(*workers: str, settings: tuple[str, ...] = ()) -> Any:
    listed = ", ".join(workers)
    return running("engine=upstream", "cache=none", f"engine.workers=[{listed}]", *settings)


def body(model: str = "tiny", **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "hello"}], "temperature": 0, **fields}


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Server, Server, Server]]:
    """A gateway, a worker that asks for a key, and one with another model."""
    other = ("model.served_model_name=other", "embedding=dry_run")
    with running(*WORKER, *KEYS) as one, running(*WORKER, *other) as two:
        first = f"{{url: '{one.base_url}', name: one, key: sk-worker}}"
        second = f"{{url: '{two.base_url}/v1', name: two}}"
        with behind(first, second, settings=("embedding=upstream",)) as gateway:
            gateway.wait_for("worker ready", 2)
            yield gateway, one, two


def test_models_are_those_of_all_workers_and_each_request_goes_to_one_that_has_its(
    pair: tuple[Server, Server, Server],
) -> None:
    gateway = pair[0]
    with httpx.Client(base_url=gateway.base_url) as client:
        models = client.get("/v1/models").json()["data"]
        assert [model["id"] for model in models] == ["dry-run-embedding", "other", "tiny"]
        for name in ("tiny", "other"):
            answer = client.post("/v1/chat/completions", json=body(name, max_tokens=3)).json()
            assert answer["model"] == name
        refused = client.post("/v1/chat/completions", json=body("third"))
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "model_not_found")


def test_embeddings_are_those_of_the_worker_that_serves_the_model(pair: tuple[Server, Server, Server]) -> None:
    body_of = {"model": "dry-run-embedding", "input": ["cat", "dog", "a longer text"]}
    gateway, there = (httpx.post(f"{of.base_url}/v1/embeddings", json=body_of).json() for of in (pair[0], pair[2]))
    assert gateway == there
    refused = httpx.post(f"{pair[0].base_url}/v1/chat/completions", json=body("dry-run-embedding"))
    assert (refused.status_code, "/v1/embeddings" in refused.text) == (404, True)
    assert httpx.post(f"{pair[0].base_url}/v1/embeddings", json=body_of | {"model": "tiny"}).status_code in {400, 404}


def test_O6_the_clients_key_stays_here(pair: tuple[Server, Server, Server]) -> None:
    """A worker that asks for its own key answers, whatever key the client has shown."""
    headers = {"Authorization": "Bearer sk-client"}
    answer = httpx.post(f"{pair[0].base_url}/v1/chat/completions", json=body(max_tokens=3), headers=headers)
    assert answer.status_code == 200
    assert pair[1].wait_for("request done", key_name="gateway", status=200)


def test_it_says_that_it_is_ready_when_a_worker_is(pair: tuple[Server, Server, Server], tmp_path: Path) -> None:
    workers = tmp_path / "workers.yaml"
    workers.write_text("[http://127.0.0.1:9]\n")
    with running("engine=upstream", f"engine.workers_file={workers}") as gateway:
        assert gateway.find("waiting for workers")
        assert gateway.find("ready") == []
        assert httpx.get(f"{gateway.base_url}/ready").status_code == 503
        workers.write_text(f"[{pair[2].base_url}]\n")
        gateway.wait_for("ready")
        assert httpx.get(f"{gateway.base_url}/ready").status_code == 200
    assert pair[0].find("waiting for workers") == []
    assert len(pair[0].find("ready")) == 1


def leave(url: str, asked: dict[str, Any], after_s: float) -> None:
    """Ask and leave."""
    left = time.monotonic() + after_s
    with httpx.stream("POST", url, json=asked, timeout=after_s) as answer:
        for _ in answer.iter_raw():
            if time.monotonic() > left:
                raise httpx.ReadTimeout("enough")


@pytest.mark.parametrize("stream", [True, False])
def test_S2_a_client_that_leaves_frees_the_worker_within_200_ms(
    pair: tuple[Server, Server, Server], stream: bool
) -> None:
    gateway, one, _ = pair
    asked = body(max_tokens=2000, stream=stream)

    def freed() -> float:
        with pytest.raises(httpx.ReadTimeout):
            leave(f"{gateway.base_url}/v1/chat/completions", asked, 0.3)
        left = time.monotonic()
        while one.metric("vgate_engine_running"):
            assert time.monotonic() - left < 5.0
        return time.monotonic() - left

    assert quickest(0.2, freed, tries=5) < 0.2


def test_D10_joined_and_cached_answers_have_ids_of_their_own(pair: tuple[Server, Server, Server]) -> None:
    one = f"{{url: '{pair[2].base_url}'}}"
    with behind(one, settings=("cache=lru", "dedup=single_flight")) as gateway, httpx.Client() as client:
        asked = [body("other", max_tokens=20, stream=stream) for stream in (True, True, False)]

        async def at_once() -> list[httpx.Response]:
            async with httpx.AsyncClient(base_url=gateway.base_url) as many:
                return await asyncio.gather(*(many.post("/v1/chat/completions", json=each) for each in asked))

        answers = [*asyncio.run(at_once()), client.post(f"{gateway.base_url}/v1/chat/completions", json=asked[0])]
        ids = [{part.partition('"')[0] for part in answer.text.split('"id":"')[1:]} for answer in answers]
        assert all(len(found) == 1 for found in ids)
        assert len(set.union(*ids)) == 4
        verdicts = [answer.headers["x-vgate-cache"] for answer in answers]
        assert verdicts.count("miss") == 2  # the two forms: nobody has compared them for every server
        assert verdicts[3] == "hit"
