"""The server's OpenAPI document: whole, true, and kept to by the server whatever schemathesis makes of it."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tests.fuzz.budget import SEED, share
from tests.fuzz.judge import is_error
from tests.servers import Server, running
from vgate.api.app import build_app
from vgate.api.cors import Cors
from vgate.api.edge import Edge
from vgate.build import build_service
from vgate.config import get_config

KEY = {"authorization": "Bearer sk-a"}
CHAT = "/v1/chat/completions"
GENERATING = (CHAT, "/v1/completions", "/v1/embeddings")
EXEMPT = {"/health", "/ready", "/metrics"}
HELLO = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 2}
SETTINGS = (
    "security=keys",
    "security.api_keys=[{key: sk-a, name: a}]",
    "security.rate_limiting.default_limit=1000000",
    "security.rate_limiting.window_seconds=1",
    "model.max_model_len=64",
    "dedup=single_flight",
    "engine.decode_step_ms=0.1",
    "engine.decode_step_per_seq_ms=0",
    "engine.max_num_seqs=256",
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("+preset=dry_run", *SETTINGS) as server:
        yield server


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    return dict(httpx.get(f"{server.base_url}/openapi.json", headers=KEY).json())


def test_it_is_valid_and_describes_every_route(document: dict[str, Any]) -> None:
    schemathesis.openapi.from_dict(document).validate()
    app = build_app(build_service(get_config("+preset=dry_run")))
    assert isinstance(app, Cors)
    assert isinstance(app._app, Edge)
    paths = {path.replace(":path}", "}") for path in app._app._paths}
    assert document["paths"].keys() == paths - {"/openapi.json"}
    assert "x-shared" not in document


def test_keys_are_described_where_they_are_asked_for(server: Server, document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert ("security" in operation) == ("401" in operation["responses"]) == (path not in EXEMPT)
        method = next(iter(operations))
        answer = httpx.request(method, server.base_url + path)
        assert (answer.status_code == 401) == (path not in EXEMPT), path


def test_without_keys_none_are_described(client: httpx.Client) -> None:
    text = client.get("/openapi.json").text
    assert '"401"' not in text
    assert "securitySchemes" not in text


def test_what_is_streamed_has_the_form_that_is_described(server: Server, document: dict[str, Any]) -> None:
    chunk = {**document, "$ref": "#/components/schemas/ChatCompletionChunk"}
    body = {**HELLO, "stream": True, "stream_options": {"include_usage": True}}
    answer = httpx.post(server.base_url + CHAT, json=body, headers=KEY)
    *events, done = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    assert done == "[DONE]"
    for event in events:
        jsonschema.Draft202012Validator(chunk).validate(json.loads(event))


def operations(document: dict[str, Any]) -> dict[str, Any]:
    """By path. Keys are left to the tests, which send the right one."""
    open_paths = json.loads(json.dumps(document))
    for operations in open_paths["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)
    found = schemathesis.openapi.from_dict(open_paths).get_all_operations()
    return {operation.path: operation for operation in (one.ok() for one in found)}


_TRIES: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "derandomize": False,
    "phases": [Phase.generate],
    "suppress_health_check": list(HealthCheck),
}


def probe(server: Server, document: dict[str, Any], path: str, mode: GenerationMode, count: int) -> Counter[str]:
    """So many requests that the document allows, or that it does not; every answer is held against the document."""
    seen: Counter[str] = Counter()
    operation = operations(document)[path]
    generated = operation.as_strategy(generation_mode=mode)
    # Not how many of the right ones are taken: each engine takes some of the fields only.
    left_out = [checks.positive_data_acceptance, checks.ignored_auth, not_a_server_error]

    @seed(SEED)
    @settings(**_TRIES, max_examples=count)
    @given(case=generated)
    def ask(case: Any) -> None:
        if mode is GenerationMode.POSITIVE and operation.path in GENERATING:
            case.body = tamed(document, operation.path, case.body)
            case.headers.pop("Cache-Control", None)  # text of any kind is hardly ever a list of directives
        response = case.call(base_url=server.base_url, session=session, headers=KEY, timeout=10)
        case.validate_response(response, excluded_checks=left_out)
        late = response.status_code == 504 and "X-VGate-Deadline-Ms" in case.headers
        assert response.status_code < 500 or late
        error = response.status_code >= 400 and operation.path in GENERATING
        assert not error or is_error(response.json())
        code = response.json()["error"]["code"] if error else None
        seen[f"{response.status_code} {code}" if code else str(response.status_code)] += 1

    with requests.Session() as session:
        ask()
    return seen


def tamed(document: dict[str, Any], path: str, body: Any) -> Any:
    """Without what only another engine or model would take: other fields, parts of no text, lengths beyond this one's.

    Much else stays; schemathesis finds right requests hardly ever, and a wrong one nearly always.
    """
    if not isinstance(body, dict):
        return body
    schemas = document["components"]["schemas"]
    known = schemas[_SCHEMAS[path]]["properties"].keys() - {"model"}
    kept = {name: value for name, value in body.items() if name in known}
    for name in ("max_tokens", "max_completion_tokens", "n", "dimensions"):
        if kept.get(name):
            kept[name] = kept[name] % 4 + 1
    for message in kept.get("messages", []):
        for name in message.keys() - schemas["Message"]["properties"].keys():
            del message[name]
        if not isinstance(message.get("content"), str):
            message["content"] = [{"type": "text", "text": "x"}]
    return kept


_SCHEMAS = {CHAT: "ChatRequest", "/v1/completions": "CompletionRequest", "/v1/embeddings": "EmbeddingRequest"}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("path", GENERATING)
def test_what_the_document_allows_is_answered_as_it_says(server: Server, document: dict[str, Any], path: str) -> None:
    seen = probe(server, document, path, GenerationMode.POSITIVE, share(0.01))
    assert seen["200"] > 0
    assert "400 unknown_field" not in seen


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("path", GENERATING)
def test_what_the_document_does_not_allow_is_refused(server: Server, document: dict[str, Any], path: str) -> None:
    seen = probe(server, document, path, GenerationMode.NEGATIVE, share(0.01))
    assert sum(seen.values()) > 0


@pytest.mark.parametrize("path", ["/v1/models", *sorted(EXEMPT), "/stats"])
def test_other_routes_answer_as_the_document_says(server: Server, document: dict[str, Any], path: str) -> None:
    assert probe(server, document, path, GenerationMode.POSITIVE, 10).keys() == {"200"}
