"""The harness's routes on the admin socket, of a real server."""

import json
import re
import threading
from typing import Any

import httpx
import pytest

from tests.servers import Server

CHAT = "/v1/chat/completions"
BODY = {"messages": [{"role": "user", "content": "hi"}], "temperature": 0}


def ask(client: httpx.Client, name: str, **fields: Any) -> httpx.Response:
    return client.post(CHAT, json={**BODY, "max_tokens": 4, **fields}, headers={"X-Request-Id": name})


def rows(server: Server) -> dict[str, dict[str, Any]]:
    text = server.operate("GET", "/records").text
    return {row["request_id"]: row for row in map(json.loads, text.splitlines())}


@pytest.fixture
def recording(dry_server: Server) -> Any:
    dry_server.forget()
    assert dry_server.operate("PUT", "/records", {"limit": 100}).json() == {"ok": True}
    yield dry_server
    dry_server.operate("DELETE", "/records")


def test_records_are_kept_from_their_beginning_to_their_end(recording: Server, client: httpx.Client) -> None:
    ask(client, "first")
    ask(client, "again")
    ask(client, "bad", n=0)
    client.get("/health")
    kept = rows(recording)
    assert list(kept) == ["first", "again", "bad"]
    assert [row["status"] for row in kept.values()] == [200, 200, 400]
    assert kept["again"]["source_id"] in (kept["first"]["call_id"], kept["again"]["call_id"])
    assert recording.operate("DELETE", "/records").json() == {"ok": True}
    assert recording.operate("GET", "/records").status_code == 404
    recording.operate("PUT", "/records", {"limit": 100})
    assert rows(recording) == {}


def test_stamps_are_in_order(recording: Server, client: httpx.Client) -> None:
    ask(client, "one", stream=True, max_tokens=7, messages=[{"role": "user", "content": "something new"}])
    row = rows(recording)["one"]
    names = ["arrived", "queued", "admitted", "engine_queued", "scheduled", "first_token", "last_token", "answered"]
    stamps = [row[f"t_{name}"] for name in [*names, "finished"]]
    assert stamps == sorted(stamps)
    assert row["engine_tokens"] == row["completion_tokens"] == 7
    assert row["error"] is None


def test_what_there_is_no_room_for_is_told(recording: Server, client: httpx.Client) -> None:
    recording.operate("PUT", "/records", {"limit": 2})
    for number in range(5):
        ask(client, f"{number}")
    response = recording.operate("GET", "/records")
    assert (len(response.text.splitlines()), response.headers["x-vgate-dropped"]) == (2, "3")


@pytest.mark.parametrize("body", [None, [], {}, {"limit": 0}, {"limit": True}, {"limit": "5"}, {"limit": 10**9}])
def test_a_wrong_limit_is_refused_in_words(dry_server: Server, body: Any) -> None:
    answer = dry_server.operate("PUT", "/records", body)
    assert answer.status_code == 400
    assert re.search("must be|not valid JSON", answer.json()["error"]["message"])


def test_a_body_that_is_nested_without_end_is_refused_in_words(dry_server: Server) -> None:
    answer = dry_server._admin.put("/records", content=b'{"a":' * 100_000)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")


def test_gauges_say_who_is_where(recording: Server, client: httpx.Client) -> None:
    """Asked while one request is on its way, and when none is."""

    def stream() -> None:
        ask(client, "long", stream=True, max_tokens=2000, messages=[{"role": "user", "content": "a long one"}])

    asking = threading.Thread(target=stream)
    asking.start()
    while not (gauges := recording.operate("GET", "/gauges").json())["engine_running"]:
        assert asking.is_alive()
    asking.join()
    assert (gauges["in_flight"], gauges["running"], gauges["waiting"], gauges["engine_waiting"]) == (1, 1, 0, 0)
    assert 0 < gauges["kv_usage"] < 1
    recording.wait_for("request done", request_id="long")
    later = recording.operate("GET", "/gauges").json()
    assert (later["in_flight"], later["engine_running"], later["kv_usage"], later["batch_size"]) == (0, 0, 0.0, 1)
    assert later["t"] > gauges["t"]


def test_nobody_else_can_ask(client: httpx.Client) -> None:
    assert client.get("/records").status_code == 404
    assert client.get("/gauges").status_code == 404
