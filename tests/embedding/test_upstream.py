"""Embeddings by workers: what goes out, and what comes back."""

import base64
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from tests.engine.test_upstream import started, worker
from tests.upstream.wires import Request, Script, Server, answer, error
from tests.vectors import ask, embed, embeddings
from vgate.embedding.answer import packed
from vgate.embedding.upstream import UpstreamEmbedding
from vgate.embeddings import Embeddings
from vgate.errors import ApiError


def row(text: Any) -> list[float]:
    return [float(len(text)), 0.5]


def vectors(request: Request, form: str = "base64", **changes: Any) -> Script:
    """A vector for each item; an item "bad" is too long."""
    inputs = request.json["input"]
    if "bad" in inputs:
        return [(0.1, error("400 Bad", "too long"))]
    coded = [base64.b64encode(packed(row(text))).decode() if form == "base64" else row(text) for text in inputs]
    data = [{"object": "embedding", "index": index, "embedding": one} for index, one in enumerate(coded)]
    usage = {"prompt_tokens": 10 * len(inputs), "total_tokens": 10 * len(inputs)}
    body = {"object": "list", "data": data[::-1], "model": "test", "usage": usage, **changes}
    return [(0.1, answer(orjson.dumps(body)))]


@contextlib.asynccontextmanager
async def running(monkeypatch: pytest.MonkeyPatch, server: Server, **parts: Any) -> AsyncIterator[Embeddings]:
    engine = await started(server, monkeypatch)
    embedding = UpstreamEmbedding(max_batch_items=256, max_waiting_items=4096, engine=engine)
    yield await embeddings(embedding, **parts)
    assert engine.occupancy.running == 0
    await engine.stop()


def posted(server: Server) -> list[Any]:
    return [request.json for request in server.requests if request.line.startswith("POST /v1/embeddings ")]


@pytest.mark.parametrize("form", ["base64", "float"])
async def test_items_of_a_request_are_one_request(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    server = worker(lambda request: vectors(request, form))
    async with running(monkeypatch, server) as path:
        asked = await ask(path, embed(["a", "bbb", "a"], model="test", user="u"))
    assert asked.vectors == [row("a"), row("bbb"), row("a")]
    assert posted(server) == [{"model": "test", "input": ["a", "bbb"], "encoding_format": "base64"}]
    assert (asked.body["model"], asked.record.spent) == ("test", 20)
    key = [request.headers["authorization"] for request in server.requests if request.line.startswith("POST")]
    assert key == ["Bearer sk-worker"]


async def test_C21_only_what_is_not_cached_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    server = worker(vectors)
    async with running(monkeypatch, server, cache="lru") as path:
        await ask(path, embed(["a", "b"], model="test"))
        asked = await ask(path, embed(["b", "c"], model="test", encoding_format="base64"))
        await ask(path, embed("b", model="test", dimensions=2))
    assert (asked.verdict, [body["input"] for body in posted(server)]) == ("partial(1/2)", [["a", "b"], ["c"], ["b"]])
    assert asked.body["usage"]["prompt_tokens"] == 20
    assert posted(server)[-1]["dimensions"] == 2


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no model": ({}, 400, "model"),
    "a model that nobody has": ({"model": "other"}, 404, "model"),
    "an unknown field": ({"model": "test", "truncate": 3}, 400, "truncate"),
    "other dimensions": ({"model": "test", "dimensions": 3}, 400, "dimensions"),
    "no such form": ({"model": "test", "encoding_format": "int8"}, 400, "encoding_format"),
}


@pytest.mark.parametrize(("fields", "status", "param"), REFUSED.values(), ids=REFUSED)
async def test_what_would_have_no_effect_is_refused(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], status: int, param: str
) -> None:
    async with running(monkeypatch, worker(vectors)) as path:
        with pytest.raises(ApiError) as caught:
            await ask(path, embed("a", **fields))
    assert (caught.value.status, caught.value.param) == (status, param)


async def test_a_bad_item_is_the_workers_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch, worker(vectors)) as path:
        with pytest.raises(ApiError, match="too long") as caught:
            await ask(path, embed(["a", "bad", "c"], model="test"))
        assert caught.value.status == 400
        assert (await ask(path, embed(["a", "c"], model="test"))).vectors == [row("a"), row("c")]


ROW = {"index": 0, "embedding": "AACAPw=="}
NONSENSE: list[dict[str, Any]] = [
    *[{"data": []}, {"data": [ROW, ROW]}, {"data": 3}, {"data": [{"index": 0}]}, {"data": [ROW | {"index": 1}]}],
    *[{"data": [ROW | {"embedding": form}]} for form in ("AAA=", "", "!", ["x"], None, [1.0, "x"])],
]


@pytest.mark.parametrize("changes", NONSENSE)
async def test_what_are_no_vectors_is_no_answer(monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]) -> None:
    async with running(monkeypatch, worker(lambda request: vectors(request, **changes))) as path:
        with pytest.raises(ApiError) as caught:
            await ask(path, embed("a", model="test"))
    assert (caught.value.status, caught.value.code) == (502, "upstream_failed")


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": -3}])
async def test_without_usage_tokens_are_estimated(monkeypatch: pytest.MonkeyPatch, usage: Any) -> None:
    async with running(monkeypatch, worker(lambda request: vectors(request, usage=usage))) as path:
        found = await ask(path, embed("a" * 40, model="test"))
    assert (found.body["usage"]["prompt_tokens"], found.record.spent) == (10, 10)


async def test_it_is_ready_when_its_engine_is_and_lists_no_models_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = await started(worker(vectors), monkeypatch)
    embedding = UpstreamEmbedding(max_batch_items=1, max_waiting_items=1, engine=engine)
    assert (embedding.ready, embedding.models(), embedding.fingerprint) == (True, [], engine.fingerprint)
    await engine.stop()
    assert (embedding.ready, embedding.back_in_s) == (False, engine.back_in_s)
