"""O5: which paths there are, and that no other reaches the engine."""

import asyncio
from typing import Any
from urllib.parse import unquote

import orjson
import pytest

from tests.scripted import Scripted
from vgate.api.app import GENERATING, build_app
from vgate.api.asgi import Message
from vgate.build import build_gateway, build_service
from vgate.config import get_config
from vgate.config.security_schema import PATHS
from vgate.types import Call, Job

PUBLIC = {
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/models",
    "/v1/models/{model:path}",
    "/health",
    "/ready",
    "/metrics",
    "/stats",
    "/openapi.json",
}
# Of vLLM's own server, of the admin routes, and spellings of what is allowed.
OTHERS = [
    "/tokenize", "/detokenize", "/pooling", "/classify", "/score", "/v1/score", "/rerank", "/v1/rerank", "/v2/rerank",
    "/v1/responses", "/v1/messages", "/v1/audio/transcriptions", "/v1/audio/translations", "/v1/realtime", "/ping",
    "/invocations", "/inference/v1/generate", "/v1/load_lora_adapter", "/v1/unload_lora_adapter", "/reset_prefix_cache",
    "/reset_mm_cache", "/sleep", "/wake_up", "/is_sleeping", "/pause", "/resume", "/collective_rpc", "/server_info",
    "/start_profile", "/stop_profile", "/scale_elastic_ep", "/version", "/load", "/abort_requests", "/update_weights",
    "/swap", "/reload", "/reset", "/cache", "/records", "/gauges", "/dashboard", "/docs", "/redoc", "/",
    "/v1/chat/completions/", "//v1/chat/completions", "/v1//chat/completions", "/v1/./chat/completions",
    "/v1/completions/x",
    "/x/../v1/chat/completions", "/V1/chat/completions", "/v1/chat/completions;x",
    "/v1%252Fcompletions", "/v1/completions%00",
    "/v1/completions\\", "v1/completions", "",
]  # fmt: skip
BODY = {"messages": [{"role": "user", "content": "x"}], "prompt": "x", "input": "x", "model": "test"}


class Watched(Scripted):
    """Remembers what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def prepare(self, call: Call) -> Job:
        self.asked.append(call.endpoint)
        return await super().prepare(call)

    async def reset(self) -> None:
        self.asked.append("reset")


def server() -> tuple[Watched, Any]:
    service, engine = build_service(get_config("+preset=dry_run", "cache=none")), Watched()
    service.engine = engine
    service.gateway = build_gateway(service.settings, engine, service.observer)
    return engine, build_app(service)


async def ask(app: Any, method: str, path: str, json: Any = None) -> int:
    """The status. The path as a server hands it on, without what a client would make of it first."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
        "server": ("gateway", 80),
        "client": ("client", 1),
    }
    sent: list[Message] = []

    to_read = [orjson.dumps(json)]

    async def receive() -> Message:
        if not to_read:
            await asyncio.Event().wait()  # it stays
        return {"type": "http.request", "body": to_read.pop()}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return int(sent[0]["status"])


def test_O5_the_allow_list_is_what_it_was() -> None:
    """Who adds a route adds it here, and to the README."""
    _, app = server()
    assert app._app._paths == PUBLIC
    assert set(GENERATING) < PUBLIC
    assert {*PATHS, "/v1/models/{model:path}"} == PUBLIC


@pytest.mark.real_time
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"])
async def test_O5_no_other_path_reaches_the_engine(method: str) -> None:
    engine, app = server()
    for path in OTHERS:
        assert await ask(app, method, path, BODY) == 404, path
    assert engine.asked == []


@pytest.mark.real_time
@pytest.mark.parametrize("path", sorted(PUBLIC))
async def test_O5_nor_does_an_allowed_one_by_another_method(path: str) -> None:
    engine, app = server()
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", *(["GET"] if path in GENERATING else ["POST"])):
        assert await ask(app, method, path, BODY) == 405, method
    assert engine.asked == []


@pytest.mark.real_time
async def test_O5_whatever_follows_models_is_a_models_name() -> None:
    engine, app = server()
    for path in ("/v1/models/../completions", "/v1/models/", "/v1/models/x/tokenize"):
        assert [await ask(app, method, path, BODY) for method in ("GET", "HEAD", "POST")] == [404, 404, 405], path
    assert engine.asked == []


@pytest.mark.real_time
async def test_O5_those_that_generate_do_reach_it() -> None:
    engine, app = server()
    for path in ("/v1/chat/completions", "/v1/completions"):
        body = {key: value for key, value in BODY.items() if key != "input"}
        await ask(app, "POST", path, body)
    assert engine.asked == ["chat", "completions"]
