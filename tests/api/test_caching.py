"""What a client and an operator can ask of the response cache over HTTP."""

import contextlib
import time
import uuid
from typing import Any

import httpx
import pytest

from tests import redis_server
from tests.api.test_answers import CHAT
from tests.servers import Server, running
from vgate.api.caching import asked
from vgate.errors import BadRequest
from vgate.types import CacheControl


def control(*values: str, ttl: str | None = None) -> CacheControl:
    headers = [(b"cache-control", value.encode()) for value in values]
    if ttl is not None:
        headers.append((b"x-vgate-cache-ttl", ttl.encode()))
    return asked({"headers": headers})


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([], CacheControl()),
        (["no-cache"], CacheControl(read=False)),
        (["No-Cache"], CacheControl(read=False)),
        (["no-store"], CacheControl(read=False, store=False)),
        (["max-age=0"], CacheControl(read=False, max_age_s=0)),
        (["max-age=60"], CacheControl(max_age_s=60)),
        (['max-age="60"'], CacheControl(max_age_s=60)),
        (["max-age=60, no-cache"], CacheControl(read=False, max_age_s=60)),
        (["max-age=60", "no-store"], CacheControl(read=False, store=False, max_age_s=60)),
        (['private="a, no-store", only-if-cached, x=1'], CacheControl()),
        ([" , max-age = 5 ,, "], CacheControl(max_age_s=5)),
        ([""], CacheControl()),
    ],
)
def test_C16_cache_control_is_read_as_RFC_9111_says(values: list[str], wanted: CacheControl) -> None:
    assert control(*values) == wanted


@pytest.mark.parametrize(
    ("values", "ttl", "named"),
    [
        (["max-age"], None, "Cache-Control: max-age must be a whole number of seconds from 0 on, got ''"),
        (["max-age=-1"], None, "got '-1'"),
        (["max-age=1.5"], None, "got '1.5'"),
        (["max-age=soon"], None, "got 'soon'"),
        (["max-age=99999999999"], None, "got '99999999999'"),
        (["no cache"], None, "Cache-Control cannot be read at 'no cache'"),
        (["=1"], None, "Cache-Control cannot be read at '=1'"),
        ([], "0", "X-VGate-Cache-TTL must be a whole number of seconds from 1 on, got '0'"),
        ([], "1h", "got '1h'"),
        ([], "", "got ''"),
    ],
)
def test_C16_what_cannot_be_read_is_refused_by_name(values: list[str], ttl: str | None, named: str) -> None:
    with pytest.raises(BadRequest) as caught:
        control(*values, ttl=ttl)
    assert named in caught.value.message


@pytest.mark.parametrize("said", ["a={}", "a={};", "a{}", "{};", 'a="{}', 'a="{}";', "a{}=b;", "{}a,"])
def test_B12_a_header_of_blanks_is_read_at_once(said: str) -> None:
    """The longest header there can be; what tries every way to divide the blanks would take minutes for it."""
    started = time.perf_counter()
    with contextlib.suppress(BadRequest):
        control(said.format(" " * 60_000))
    assert time.perf_counter() - started < 0.5


class Asking:
    """Asks one server the same question, another one for each test."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self.text = str(uuid.uuid4())

    def __call__(self, cache_control: str = "", status: int = 200, **fields: Any) -> httpx.Response:
        headers = {name: value for name, value in {"Cache-Control": cache_control}.items() if value}
        headers |= fields.pop("headers", {})
        body = {"messages": [{"role": "user", "content": self.text}], "temperature": 0, "max_tokens": 2, **fields}
        response = self._client.post(CHAT, json=body, headers=headers)
        assert response.status_code == status, response.text
        return response

    def verdict(self, *args: Any, **fields: Any) -> str:
        return str(self(*args, **fields).headers["x-vgate-cache"])


@pytest.fixture
def ask(client: httpx.Client) -> Asking:
    return Asking(client)


def test_C16_no_store_is_neither_answered_from_the_cache_nor_stored(ask: Asking) -> None:
    assert [ask.verdict("no-store"), ask.verdict("no-store"), ask.verdict()] == ["bypass(no-store)"] * 2 + ["miss"]
    assert [ask.verdict("no-store"), ask.verdict()] == ["bypass(no-store)", "hit"]


@pytest.mark.parametrize("fresh", ["no-cache", "max-age=0"])
@pytest.mark.parametrize("stream", [True, False])
def test_C16_no_cache_is_a_new_answer_that_is_stored(ask: Asking, fresh: str, stream: bool) -> None:
    assert [ask.verdict(fresh, stream=stream), ask.verdict(stream=stream)] == ["bypass(no-cache)", "hit"]


@pytest.mark.parametrize("stream", [1, 0, 1.0, "true", []])
def test_C13_a_wrong_form_is_refused_though_the_answer_is_stored(ask: Asking, stream: object) -> None:
    assert [ask.verdict(), ask.verdict()] == ["miss", "hit"]
    assert ask(status=400, stream=stream).json()["error"]["param"] == "stream"


def test_C16_max_age_wants_an_answer_that_is_that_young(ask: Asking) -> None:
    ask()
    time.sleep(1.1)
    assert [ask.verdict("max-age=60"), ask.verdict("max-age=1"), ask.verdict("max-age=1")] == ["hit", "miss", "hit"]


def test_C16_an_answer_is_dropped_after_the_clients_own_time(ask: Asking) -> None:
    lifetime = {"headers": {"X-VGate-Cache-TTL": "1"}}
    assert [ask.verdict(**lifetime), ask.verdict()] == ["miss", "hit"]
    time.sleep(1.1)
    assert ask.verdict() == "miss"


def test_a_hit_says_its_age_and_nothing_else_does(ask: Asking) -> None:
    assert "age" not in ask().headers
    time.sleep(1.1)
    assert int(ask().headers["age"]) >= 1
    assert "age" not in ask("no-cache").headers


def test_C16_a_wrong_value_is_a_400_that_names_it(ask: Asking) -> None:
    refused = ask("max-age=never", status=400)
    assert "'never'" in refused.json()["error"]["message"]


def test_C15_a_hit_repeats_the_usage_and_no_metric_counts_its_tokens(ask: Asking, dry_server: Server) -> None:
    first = ask().json()
    before = {name: dry_server.metric(f"vgate_{name}_total") for name in ("tokens_generated", "cache_hits")}
    assert ask().json()["usage"] == first["usage"]
    after = {name: dry_server.metric(f"vgate_{name}_total") for name in before}
    assert (after["tokens_generated"], after["cache_hits"]) == (before["tokens_generated"], before["cache_hits"] + 1)


def test_what_the_cache_holds_is_measured(ask: Asking, dry_server: Server) -> None:
    dry_server.forget()
    assert (dry_server.metric("vgate_cache_entries"), dry_server.metric("vgate_cache_bytes")) == (0, 0)
    ask()
    assert dry_server.metric("vgate_cache_entries") == 1
    assert dry_server.metric("vgate_cache_bytes") == dry_server.cache().json()["entries"][0]["bytes"] > 300


def test_C24_one_bad_entry_is_found_by_its_request_and_deleted(ask: Asking, dry_server: Server) -> None:
    dry_server.forget()
    name = ask().headers["x-request-id"]
    key = dry_server.wait_for("request done", request_id=name)[0]["cache_key"]
    tried = dry_server.cache("DELETE", f"/{key}?dry_run=true").json()
    assert (tried["deleted"], tried["entry"]["key"]) == (False, key)
    assert ask.verdict() == "hit"
    assert dry_server.cache("DELETE", f"/{key}").json()["deleted"] is True
    assert dry_server.wait_for("cache entry deleted", cache_key=key)
    assert ask.verdict() == "miss"
    assert len(dry_server.find("cache entry deleted")) == 1


def test_C24_entries_are_listed_by_age_and_all_deleted(client: httpx.Client, dry_server: Server) -> None:
    dry_server.forget()
    for _ in range(3):
        Asking(client)()
    entries = dry_server.cache().json()["entries"]
    assert [entry["age_s"] for entry in entries] == sorted((entry["age_s"] for entry in entries), reverse=True)
    assert [entry["hits"] for entry in entries] == [0, 0, 0]
    assert [entry["key"] for entry in dry_server.cache(path="?limit=2").json()["entries"]] == [
        entry["key"] for entry in entries[:2]
    ]
    assert dry_server.cache("DELETE", "?dry_run=true").json() == {"entries": 3, "deleted": False}
    assert dry_server.cache("DELETE").json() == {"entries": 3, "deleted": True}
    assert dry_server.wait_for("cache cleared")[0]["entries"] == 3
    assert dry_server.cache().json() == {"entries": []}


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("GET", "?limit=0", 400, "limit must be a whole number from 1 on, got '0'"),
        ("GET", "?limits=1", 400, "unknown parameter 'limits'; allowed: limit"),
        ("DELETE", "?dry_run=yes", 400, "dry_run must be true or false, got 'yes'"),
        ("DELETE", "?dryrun=true", 400, "unknown parameter 'dryrun'; allowed: dry_run"),
        ("DELETE", "/abc", 400, "a key is 64 hex digits in lower case, got 'abc'"),
        ("DELETE", f"/{'0' * 64}?dry_run=true", 404, "there is no entry under the key 000"),
        ("DELETE", f"/{'0' * 64}", 404, "there is no entry under the key 000"),
    ],
)
def test_C24_a_wrong_wish_is_refused_and_deletes_nothing(
    ask: Asking, dry_server: Server, method: str, path: str, status: int, says: str
) -> None:
    ask()
    answer = dry_server.cache(method, path)
    assert (answer.status_code, says in answer.json()["error"]["message"]) == (status, True)
    assert ask.verdict() == "hit"


def test_C19_servers_share_a_redis_outlive_it_and_say_when_it_is_gone() -> None:
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(redis_server.running())
        settings = ("+preset=dry_run", "cache=redis", f"cache.url={redis.url}", "cache.timeout_ms=1000")
        one, other = (stack.enter_context(running(*settings)) for _ in range(2))
        clients = [stack.enter_context(httpx.Client(base_url=server.base_url)) for server in (one, other)]
        first, second = (Asking(client) for client in clients)
        second.text = first.text
        assert [first.verdict(), second.verdict()] == ["miss", "hit"]
        assert len(other.cache().json()["entries"]) == 1
        assert one.metric("vgate_cache_failures_total") == 0
        redis.kill()
        assert [first.verdict(), second.verdict(stream=True)] == ["miss", "miss"]
        assert one.metric("vgate_cache_failures_total") >= 1
        gone = other.cache()
        assert (gone.status_code, gone.json()["error"]["code"]) == (503, "cache_unreachable")
        assert one.wait_for("cache failed")
        assert one.admin("/swap", {"cache": {"_target_": "vgate.cache.none.NoCache"}}).status_code == 200
        assert first.verdict() == "bypass(disabled)"
