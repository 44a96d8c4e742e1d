"""This client and the official `openai` one, side by side, against a gateway: the same calls, the same outcomes."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.client.loopback import Loopback, delta, events
from tests.client.sides import Plain, Side, left, ours, theirs
from tests.servers import Server, running
from vgate import client as sdk

HELLO = [{"role": "user", "content": "hello"}]
CHAT: Plain = {"model": "tiny", "messages": HELLO, "max_tokens": 12, "temperature": 0}
PROMPT: Plain = {"model": "tiny", "prompt": "one two three", "max_tokens": 6, "temperature": 0}
EMBED: Plain = {"model": "dry-run-embedding", "input": ["a", "b c", "d"]}
LONG = CHAT | {"max_tokens": 20_000}
MODES = ["blocking", "async"]
SIDES = {"ours": ours, "theirs": theirs}
DRY = (
    "+preset=dry_run",
    "model.served_model_name=tiny",
    "engine.decode_step_ms=1",
    "cache=none",
    "model.max_model_len=32768",
)


@pytest.fixture(scope="module")
def gateway() -> Iterator[Server]:
    """Four places, one to wait in; a key for all, and for each client one that may ask once."""
    once = [f"{{key: sk-{side}-{mode}, name: {side}-{mode}, rate_limit: 1}}" for side in SIDES for mode in MODES]
    keys = ", ".join(
        [
            "{key: sk-all, name: all, rate_limit: 100000}",
            "{key: sk-none, name: none, models: [dry-run-embedding]}",
            *once,
        ]
    )
    bounds = (
        "engine.max_num_seqs=4",
        "engine.decode_step_per_seq_ms=0",
        "queue.max_waiting=1",
        "queue.max_running=engine",
    )
    with running(*DRY, *bounds, "security=keys", f"security.api_keys=[{keys}]") as server:
        yield server


@pytest.fixture(scope="module")
def failing() -> Iterator[Server]:
    with running(*DRY, "engine.faults.error_after=1") as server:
        yield server


@contextlib.contextmanager
def both(mode: str, url: str, key: str = "sk-all", timeout: float = 30, retries: int = 0) -> Iterator[list[Side]]:
    with contextlib.ExitStack() as stack:
        keys = {name: key.format(name=name, mode=mode) for name in SIDES}
        yield [stack.enter_context(side(mode, url, keys[name], timeout, retries)) for name, side in SIDES.items()]


def texts(chunks: list[Plain]) -> dict[int, str]:
    """What each choice said."""
    said: dict[int, str] = {}
    for choice in (choice for chunk in chunks for choice in chunk["choices"]):
        piece = choice["text"] if "text" in choice else choice["delta"].get("content") or ""
        said[choice["index"]] = said.get(choice["index"], "") + piece
    return said


def whole_and_streamed(side: Side, what: str, **fields: Any) -> Any:
    whole = side.ask(what, **fields)
    chunks = side.stream(what, stream_options={"include_usage": True}, **fields)
    said = [choice["text"] if what == "completions" else choice["message"]["content"] for choice in whole["choices"]]
    assert [text for _, text in sorted(texts(chunks).items())] == said
    assert chunks[-1]["usage"] == whole["usage"]
    return whole, chunks


SAME: dict[str, Callable[[Side], Any]] = {
    "chat": lambda side: whole_and_streamed(side, "chat", **CHAT),
    "n": lambda side: whole_and_streamed(side, "chat", **CHAT, n=3, seed=5),
    "stop": lambda side: whole_and_streamed(side, "chat", **CHAT | {"max_tokens": 60}, stop=["er", "a"]),
    "completions": lambda side: whole_and_streamed(side, "completions", **PROMPT),
    "embeddings": lambda side: side.ask("embeddings", **EMBED, encoding_format="float"),
    "embeddings as base64": lambda side: side.ask("embeddings", **EMBED, encoding_format="base64", dimensions=8),
    "embeddings of token ids": lambda side: side.ask(
        "embeddings", model=EMBED["model"], input=[[1, 2], [3]], encoding_format="float"
    ),
    "models": lambda side: side.ask("models"),
    "400": lambda side: side.fails(side.ask, "chat", **CHAT | {"max_tokens": -1}),
    "400 of a stream": lambda side: side.fails(side.stream, "chat", **CHAT | {"n": 0}),
    "400 of tools": lambda side: side.fails(side.ask, "chat", **CHAT, tools=[{"type": "function"}]),
    "404": lambda side: side.fails(side.stream, "chat", **CHAT | {"model": "other"}),
    "404 of embeddings": lambda side: side.fails(side.ask, "embeddings", **EMBED | {"model": "other"}),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("what", SAME)
def test_both_clients_get_the_same(gateway: Server, what: str, mode: str) -> None:
    with both(mode, f"{gateway.base_url}/v1") as (our, their):
        outcome = SAME[what](our)
        assert outcome == SAME[what](their)
    assert not what[0].isdigit() or outcome["status"] == int(what[:3])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("key", "kind"), [("sk-wrong", "AuthenticationError"), ("sk-none", "NotFoundError")])
def test_both_are_told_that_a_key_is_not_allowed(gateway: Server, mode: str, key: str, kind: str) -> None:
    with both(mode, f"{gateway.base_url}/v1", key) as (our, their):
        told = our.fails(our.ask, "chat", **CHAT)
        assert told["kind"] == kind
        assert told == their.fails(their.ask, "chat", **CHAT)


@pytest.mark.parametrize("mode", MODES)
def test_both_wait_as_they_are_told_and_ask_as_often(gateway: Server, mode: str) -> None:
    with both(mode, f"{gateway.base_url}/v1", "sk-{name}-{mode}", retries=2) as sides:
        for side in sides:
            side.ask("chat", **CHAT)
            told = side.fails(side.ask, "chat", **CHAT)
            assert (told["kind"], told["status"], told["retry_after"]) == ("RateLimitError", 429, True)
            assert len(gateway.wait_for("request done", 3, status=429, key_name=f"{side.name}-{mode}")) == 3
            # The key's one request leaves the window after 60 s; this client adds up to half a second at random.
            assert [40 <= wait <= 60.5 for wait in side.waits] == [True, True]


def _close(asked: "Future[Any]") -> None:
    asked.result().close()


@contextlib.contextmanager
def full(gateway: Server) -> Iterator[None]:
    """All four places taken, and the one to wait in."""
    with (
        sdk.Client(f"{gateway.base_url}/v1", "sk-all") as holder,
        ThreadPoolExecutor(5) as pool,
        contextlib.ExitStack() as stack,
    ):
        held = [pool.submit(holder.chat.create, **LONG, seed=number, stream=True) for number in range(5)]
        while gateway.metric("vgate_queue_waiting") + sum(asked.done() for asked in held) < 5:
            time.sleep(0.01)
        for asked in sorted(
            held, key=Future.done
        ):  # they are closed in the reverse order: who has a place, then who waits
            stack.callback(_close, asked)
        yield


@pytest.mark.parametrize("mode", MODES)
def test_both_are_told_that_all_places_are_taken(gateway: Server, mode: str) -> None:
    with full(gateway), both(mode, f"{gateway.base_url}/v1", retries=1) as (our, their):
        told = our.fails(our.stream, "chat", **CHAT)
        assert (told["kind"], told["status"], told["retry_after"]) == ("ServerError", 503, True)
        assert told == their.fails(their.stream, "chat", **CHAT)
        assert len(our.waits) == len(their.waits) == 1


@pytest.mark.parametrize("mode", MODES)
def test_both_give_up_on_a_silent_server_once(gateway: Server, mode: str) -> None:
    with both(mode, f"{gateway.base_url}/v1", timeout=0.2) as sides:
        for side in sides:
            user = f"silent-{side.name}-{mode}"
            assert side.fails(side.ask, "chat", **LONG, user=user) == {"kind": "Timeout"}
            assert left(gateway, user)["duration_s"] < 10  # of twenty


@pytest.mark.parametrize("mode", MODES)
def test_S2_the_work_of_both_stops_when_they_leave(gateway: Server, mode: str) -> None:
    with both(mode, f"{gateway.base_url}/v1") as sides:
        for side in sides:
            user = f"leaves-{side.name}-{mode}"
            assert len(side.stream("chat", 3, **LONG, user=user)) == 3
            assert left(gateway, user)["duration_s"] < 10  # of twenty


@pytest.mark.parametrize("mode", MODES)
def test_both_try_three_times_to_reach_a_server_that_is_not_there(mode: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    with both(mode, url, retries=2) as sides:
        for side in sides:
            assert side.fails(side.ask, "chat", **CHAT) == {"kind": "ConnectionError_"}
            assert [0.2 <= wait <= 1 for wait in side.waits] == [True, True]


@pytest.mark.parametrize("mode", MODES)
def test_S6_both_are_told_of_an_engine_that_fails_in_the_midst(failing: Server, mode: str) -> None:
    with both(mode, f"{failing.base_url}/v1") as sides:
        assert [side.fails(side.stream, "chat", **CHAT) for side in sides] == [{"kind": "StreamError"}] * 2


@pytest.mark.parametrize("mode", MODES)
def test_S6_only_ours_tells_a_stream_that_breaks_off_from_one_that_ends(server: Loopback, mode: str) -> None:
    server.scripts = [events(delta("Hel"))] * 2
    with both(mode, server.url) as (our, their):
        assert our.fails(our.stream, "chat", **CHAT) == {"kind": "StreamInterrupted"}
        assert texts(their.stream("chat", **CHAT)) == {0: "Hel"}
