"""Whole and streamed answers over HTTP, their headers, and clients that leave."""

import contextlib
import json
from typing import Any

import httpx
import pytest

from tests.servers import Server

CHAT = "/v1/chat/completions"
HELLO = {"messages": [{"role": "user", "content": "hello"}], "temperature": 0}


def events(response: httpx.Response) -> list[str]:
    assert response.headers["content-type"].startswith("text/event-stream")
    return [block.removeprefix("data: ") for block in response.text.split("\n\n") if block]


def test_streamed_and_whole_say_the_same(client: httpx.Client) -> None:
    whole = client.post(CHAT, json={**HELLO, "max_tokens": 7}).json()
    parts = events(client.post(CHAT, json={**HELLO, "max_tokens": 7, "stream": True}))
    assert parts[-1] == "[DONE]"
    chunks = [json.loads(part) for part in parts[:-1]]
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert text == whole["choices"][0]["message"]["content"]
    assert chunks[-1]["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("asked", [True, False])
def test_S8_usage_chunk_only_if_asked(client: httpx.Client, asked: bool) -> None:
    options = {"stream_options": {"include_usage": True}} if asked else {}
    parts = events(client.post(CHAT, json={**HELLO, "max_tokens": 3, "stream": True, **options}))
    with_usage = [part for part in parts[:-1] if json.loads(part).get("usage")]
    assert len(with_usage) == (1 if asked else 0)
    if asked:
        last = json.loads(parts[-2])
        assert last["choices"] == []
        assert last["usage"]["completion_tokens"] == 3


def test_request_id_is_returned(client: httpx.Client) -> None:
    given = client.post(CHAT, json={**HELLO, "max_tokens": 1}, headers={"X-Request-Id": "mine-7"})
    assert given.headers["x-request-id"] == "mine-7"
    made = client.post(CHAT, json={**HELLO, "max_tokens": 1}, headers={"X-Request-Id": "with space"})
    assert made.headers["x-request-id"] != "with space"


def test_D10_every_answer_has_its_own_id(client: httpx.Client) -> None:
    bodies = [client.post(CHAT, json={**HELLO, "max_tokens": 2}) for _ in range(3)]
    assert [b.headers["x-vgate-cache"] for b in bodies][1:] == ["hit", "hit"]
    assert len({b.json()["id"] for b in bodies}) == 3


def test_sampled_requests_go_past_the_cache(client: httpx.Client) -> None:
    response = client.post(CHAT, json={"messages": HELLO["messages"], "max_tokens": 1})
    assert response.headers["x-vgate-cache"] == "bypass(sampled)"


def ask_and_leave(base_url: str, body: dict[str, Any]) -> None:
    """Close the connection in the middle of the answer."""
    with (
        contextlib.suppress(httpx.ReadTimeout),
        httpx.Client(base_url=base_url, timeout=0.3) as client,
        client.stream("POST", CHAT, json=body) as response,
    ):
        next(response.iter_bytes())


@pytest.mark.parametrize("stream", [True, False])
def test_S2_client_that_leaves_frees_the_engine(dry_server: Server, stream: bool) -> None:
    dry_server.forget()
    ask_and_leave(dry_server.base_url, {**HELLO, "max_tokens": 1900, "stream": stream, "seed": 4 + stream})
    line = dry_server.wait_for("request done", status=499)[0]
    assert line["duration_s"] < 1.0, "the answer would have taken two seconds"
    dry_server.wait_for("batch done")
    assert dry_server.metric("vgate_requests_in_flight") == 1


def test_completions_and_embeddings(client: httpx.Client) -> None:
    text = client.post("/v1/completions", json={"prompt": "a b", "max_tokens": 4}).json()
    assert text["object"] == "text_completion"
    assert text["usage"] == {"prompt_tokens": 2, "completion_tokens": 4, "total_tokens": 6}
    vectors = client.post("/v1/embeddings", json={"input": ["cat", "dog"], "dimensions": 8}).json()
    assert [len(item["embedding"]) for item in vectors["data"]] == [8, 8]
    assert vectors["usage"]["prompt_tokens"] == 2


def test_a_model_of_the_other_kind_is_404_and_says_where_it_is_asked(client: httpx.Client) -> None:
    chat = client.post(CHAT, json={**HELLO, "model": "dry-run-embedding"})
    vectors = client.post("/v1/embeddings", json={"input": "a", "model": "tiny"})
    assert (chat.status_code, vectors.status_code) == (404, 404)
    assert chat.json()["error"]["message"] == "The model `dry-run-embedding` is asked at /v1/embeddings, not here."
    assert vectors.json()["error"]["message"] == "The model `tiny` is asked at /v1/chat/completions, not here."
    assert "is asked at" not in client.post(CHAT, json={**HELLO, "model": "neither"}).text


def test_embeddings_have_an_entry_for_each_item(client: httpx.Client) -> None:
    verdicts = []
    for inputs in (["x", "y"], ["x", "y", "z"], "z", [[1, 2], [1, 2]]):
        answer = client.post("/v1/embeddings", json={"input": inputs})
        verdicts.append(answer.headers["x-vgate-cache"])
        assert [row["index"] for row in answer.json()["data"]] == [*range(len(inputs))]
    assert verdicts == ["miss", "partial(2/3)", "hit", "miss"]
    assert 'vgate_embedding_items_total{source="cache"}' in client.get("/metrics").text


def test_a_bad_item_is_named(client: httpx.Client) -> None:
    answer = client.post("/v1/embeddings", json={"input": ["a", ""]})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "input")
    assert answer.json()["error"]["message"] == "input[1]: is empty"


def test_operations_routes(client: httpx.Client) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"ready": True}
    assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["tiny", "dry-run-embedding"]
    assert "vgate_requests_total" in client.get("/metrics").text
    assert client.get("/stats").json()["ready"] is True
    assert CHAT in client.get("/openapi.json").json()["paths"]


def test_O1_labels_come_from_fixed_sets(client: httpx.Client) -> None:
    for number in range(20):
        client.request("PROPFIND", f"/made-up-{number}")
    samples = client.get("/metrics").text
    assert "made-up" not in samples
    assert 'endpoint="other",method="other"' in samples
