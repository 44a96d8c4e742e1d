"""A flood of hostile requests through the whole app: the series stay as they are."""

import random
from typing import Any

import orjson

from tests.observe.prometheus.scraping import samples, scrape
from vgate.api.app import build_app
from vgate.build import build_service
from vgate.config import compose

NAMES = ["model", "user", "messages", "stream", "n", "max_tokens", "temperature", "x\n"]


PLAIN = [chr(number) for number in range(33, 127)]
ANY = [chr(number) for number in range(0x20, 0xD7FF)]


def text(draw: random.Random, most: int = 40) -> str:
    return "".join(draw.choices(PLAIN, k=most // 2) + draw.choices(ANY, k=most - most // 2))


def raw(draw: random.Random) -> bytes:
    return text(draw).encode("utf-8")


def scope(draw: random.Random) -> dict[str, Any]:
    known = ["/v1/chat/completions", "/v1/embeddings", "/v1/completions", "/health", "/stats"]
    headers = [
        (b"authorization", b"Bearer " + raw(draw)),
        (b"x-request-id", raw(draw)),
        (b"traceparent", raw(draw)),
        (b"content-type", draw.choice([b"application/json", raw(draw)])),
        (b"accept", raw(draw)),
        (b"cache-control", draw.choice([b"no-cache", raw(draw)])),
    ]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": draw.choice(["POST", "POST", "POST", "GET", text(draw, 8)]),
        "path": draw.choice([*known, f"/{text(draw)}", f"/v1/{text(draw)}"]),
        "raw_path": b"/",
        "root_path": "",
        "scheme": "http",
        "query_string": raw(draw),
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


def body(draw: random.Random) -> bytes:
    value = draw.choice([text(draw), 3, None, [text(draw)], {"role": text(draw)}, True])
    good = {"model": text(draw), "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2, "user": text(draw)}
    return draw.choice([raw(draw), orjson.dumps({draw.choice(NAMES): value}), orjson.dumps(good), orjson.dumps(good)])


async def hostile(app: Any, draw: random.Random) -> int:
    sent: list[Any] = []
    messages = [{"type": "http.request", "body": body(draw), "more_body": False}]

    async def receive() -> Any:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope(draw), receive, send)
    return int(sent[0]["status"]) if sent else 499


async def test_O1_no_series_comes_from_methods_paths_models_users_or_keys() -> None:
    keys = ["security=keys", "security.api_keys=[{key: sk-a, name: a}]"]
    for security in ([], keys):
        service = build_service(compose("serve", ["+preset=dry_run", *security], {}).settings)
        app, draw = build_app(service), random.Random(1)
        await service.engine.start()
        statuses = {await hostile(app, draw) for _ in range(600)}
        before = scrape(service.metrics).keys()
        statuses |= {await hostile(app, draw) for _ in range(3000)}
        assert len(statuses) > 2
        assert len(scrape(service.metrics).keys() - before) <= 12, "an endpoint, method and status not met before"
        assert len(before) < 400
        names = {value for _, labels in scrape(service.metrics) for label, value in labels if label != "le"}
        assert len(names) < 60, names
        assert samples(service.metrics.exposition().decode())
        await service.engine.stop()
        await service.close()
