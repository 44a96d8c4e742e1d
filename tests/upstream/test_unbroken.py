"""Streams whose worker dies: the client sees one stream without gap, repeat or second beginning, or an error."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.calls import call_of, chat
from tests.upstream.wires import BROKEN, Request, Script, Server, Workers, chunk, error, events, streamed, usage
from vgate import sse
from vgate.errors import ApiError
from vgate.types import Call, EngineSpan
from vgate.upstream.asking import PATHS, asking_of
from vgate.upstream.opening import Opening
from vgate.upstream.unbroken import Unbroken

WORDS = ["Once", " upon", " a", " time", " there", " was", " a", " gateway"]
WHOLE = events(WORDS)
Say = Callable[[Request], Script]


def cut(at: int, how: bytes | Exception = BROKEN, whole: list[bytes] = WHOLE) -> Say:
    """The stream up to its event number `at`."""
    return lambda _request: streamed(whole[:at], end=how)


def good(whole: list[bytes] = WHOLE) -> Say:
    return lambda _request: streamed(whole)


async def heard(workers: Workers, call: Call, out: list[bytes] | None = None, **settings: Any) -> list[bytes]:
    """All events that the client gets; with `out` also those before an error."""
    options = {"on": True, "seeded": False, "wait_s": 5.0} | settings
    unbroken = Unbroken(Opening(workers.client, workers, 3, None), workers, **options)  # type: ignore[arg-type]
    asking = asking_of(call, PATHS[call.endpoint], call.body)
    seen = [] if out is None else out
    async for event in unbroken.events(call, asking, "chatcmpl-mine", EngineSpan()):
        seen.append(event)
    return seen


def mine(whole: list[bytes] = WHOLE) -> list[bytes]:
    return [event.replace(b"theirs", b"mine") for event in whole]


def said(stream: list[bytes]) -> str:
    chunks = [sse.decode(event) for event in stream if event != sse.DONE]
    choices = [chunk["choices"][0] for chunk in chunks if chunk["choices"]]
    return "".join(choice.get("text") or choice.get("delta", {}).get("content", "") for choice in choices)


@pytest.mark.parametrize("at", range(len(WHOLE)))
@pytest.mark.parametrize("how", [BROKEN, b""], ids=["reset", "closed"])
async def test_wherever_it_breaks_the_client_gets_the_same_bytes(at: int, how: bytes | Exception) -> None:
    workers = Workers(Server(cut(at, how)), Server(good()))
    assert await heard(workers, chat(stream=True)) == mine()
    alone = at == len(WHOLE) - 1  # only `[DONE]` was missing
    assert workers.ended == ({"failed": 1} if alone else {"failed": 1, "ok": 1})
    assert workers.continuations == (at > 0 and not alone)
    assert workers.retries == (10 if at else 9)


@pytest.mark.parametrize(
    "words", [["Once upon a", " time there", " was a gateway"], list("".join(WORDS)), ["".join(WORDS)]]
)
async def test_the_other_worker_may_cut_the_text_otherwise(words: list[str]) -> None:
    for at in range(1, len(WHOLE) - 3):
        stream = await heard(Workers(Server(cut(at)), Server(good(events(words)))), chat(stream=True))
        assert said(stream) == "".join(WORDS)
        assert stream[-1] == sse.DONE
        assert sum(b'"role"' in event for event in stream) == 1
        assert sum(b'"stop"' in event for event in stream) == 1
        assert sse.decode(stream[-2])["usage"]["completion_tokens"] == len(words)


async def test_it_may_break_again_and_again() -> None:
    tries = iter([3, 5, 2, 8, 11])
    server = Server(lambda _request: streamed(WHOLE[: next(tries, 99)], end=BROKEN))
    workers = Workers(server, server)
    assert await heard(workers, chat(stream=True)) == mine()
    assert workers.continuations == 4


async def test_an_error_event_of_a_dying_worker_is_a_break_and_one_of_the_request_is_the_clients() -> None:
    dying = [*WHOLE[:4], b'data: {"error":{"message":"engine died","code":"not_ready"}}\n\n']
    assert await heard(Workers(Server(good(dying)), Server(good())), chat(stream=True)) == mine()
    bad = [*WHOLE[:4], b'data: {"error":{"message":"bad","code":400}}\n\n', sse.DONE]
    workers, out = Workers(Server(good(bad)), Server(good())), []  # type: tuple[Workers, list[bytes]]
    with pytest.raises(ApiError, match="bad") as caught:
        await heard(workers, chat(stream=True), out)
    assert (caught.value.status, out, workers.ended) == (400, mine(WHOLE[:4]), {"ok": 1})


DIED = b'{"message":"engine died","code":500}'


@pytest.mark.parametrize(
    "event",
    [
        b'data: { "error": ' + DIED + b"}\n\n",
        b'event: error\ndata: {"error":' + DIED + b"}\n\n",
        b'data: {"id":"x","choices":[],"error":' + DIED + b"}\n\n",
        b'data: {"object":"error","message":"engine died","code":500}\n\n',
        *[b"data: hello\n\n", b"data: 1\n\n", b"data: \xff\n\n", b'data: {"choices":1}\n\n'],
        b'data: {"choices":[1]}\n\n',
        b'data: {"choices":[{"delta":"x"}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"x"}}],"usage":3}\n\n',
    ],
)
@pytest.mark.parametrize("at", [0, 1, 5, len(WHOLE) - 1])
async def test_errors_of_any_form_and_what_cannot_be_read_are_breaks(event: bytes, at: int) -> None:
    workers = Workers(Server(good([*WHOLE[:at], event, *WHOLE[at:]])), Server(good()))
    assert await heard(workers, chat(stream=True)) == mine()
    assert workers.ended["failed"] == 1


async def test_S6_an_end_without_a_beginning_or_a_finish_is_a_break() -> None:
    for at in range(len(WORDS) + 2):
        workers = Workers(Server(good([*WHOLE[:at], sse.DONE])), Server(good()))
        assert await heard(workers, chat(stream=True)) == mine()
    assert await heard(Workers(Server(good([sse.DONE])), Server(good())), chat(stream=True, temperature=1)) == mine()


async def test_S10_an_event_without_an_end_is_a_break(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vgate.upstream.unbroken.MAX_WHOLE_BYTES", 10_000)
    endless = Server(good([*WHOLE[:5], *[b"data: " + b"x" * 994] * 12]))
    assert await heard(Workers(endless, Server(good())), chat(stream=True)) == mine()
    assert endless.aborted == 1


@pytest.mark.parametrize("piece", [b": alive\n\n", b"\r\n"])
@pytest.mark.parametrize(("at", "until_s"), [(0, 60), (5, 5 + 30)])
async def test_S7_what_keeps_a_connection_alive_is_no_event(piece: bytes, at: int, until_s: float) -> None:
    """Limits: `wires.TIMEOUTS`."""
    endless = Server(lambda _request: streamed([*WHOLE[:at], *[piece] * 600], step_s=1.0))
    assert await heard(Workers(endless, Server(good())), chat(stream=True)) == mine()
    assert asyncio.get_running_loop().time() == pytest.approx(until_s, abs=0.5)
    assert endless.open == 0


async def test_S10_how_long_a_client_takes_is_not_the_workers_silence() -> None:
    call, workers = chat(stream=True), Workers(Server(good([WHOLE[0], b": alive\n\n", *WHOLE[1:]])))
    unbroken = Unbroken(Opening(workers.client, workers, 3, None), workers, on=True, seeded=False, wait_s=5.0)  # type: ignore[arg-type]
    async for _ in unbroken.events(call, asking_of(call, PATHS["chat"], call.body), "chatcmpl-mine", EngineSpan()):
        await asyncio.sleep(3600)
    assert workers.ended == {"ok": 1}


async def test_where_all_was_said_but_the_end_anything_is_complete() -> None:
    workers = Workers(Server(cut(len(WHOLE) - 1)))
    assert await heard(workers, chat(stream=True, temperature=1)) == mine()
    early = [usage(3, 0), *WHOLE]
    with pytest.raises(ApiError, match="drawn at random"):
        await heard(Workers(Server(cut(1, whole=early))), chat(stream=True, temperature=1))


async def test_S7_events_of_several_lines_go_on_too() -> None:
    lines = [event.replace(b',"choices"', b',\ndata: "choices"') for event in WHOLE]
    stream = await heard(Workers(Server(cut(5, whole=lines)), Server(good(lines))), chat(stream=True))
    assert said(stream) == "".join(WORDS)


async def test_R5_tokens_that_are_no_numbers_leave_no_place_taken() -> None:
    told = [event.replace(b'"finish_reason":null', b'"finish_reason":null,"token_ids":[7]') for event in WHOLE]
    told[0] = told[0].replace(b"[7]", b'[],"prompt_token_ids":[1,,2]')
    workers = Workers(Server(cut(5, whole=told)), Server(good()))
    await asyncio.gather(heard(workers, chat(stream=True, model="m", max_tokens=20)), return_exceptions=True)
    assert all(lease.outcome for lease in workers.leases)


async def test_a_break_is_waited_out_until_a_worker_is_there_again() -> None:
    down = {"for": 20}

    def script(_request: Request) -> Script:
        down["for"] -= 1
        return (
            streamed(WHOLE[:5], end=BROKEN)
            if down["for"] == 19
            else [(0.0, error("500 No"))]
            if down["for"] > 0
            else streamed(WHOLE)
        )

    workers = Workers(Server(script))
    assert await heard(workers, chat(stream=True)) == mine()
    assert 1.5 < asyncio.get_running_loop().time() < 5


async def test_nobody_there_in_time_is_an_error_and_no_done() -> None:
    def dying(request: Request) -> Script:
        request.wire._server.refusing = True
        return streamed(WHOLE[:5], end=BROKEN)

    out: list[bytes] = []
    with pytest.raises(ApiError) as caught:
        await heard(Workers(Server(dying), Server(lambda r: [], refusing=True)), chat(stream=True), out, wait_s=0.5)
    assert caught.value.status == 502
    assert sse.DONE not in out


async def test_a_request_of_which_every_worker_dies_at_the_same_word_is_given_up() -> None:
    workers = Workers(Server(cut(5)), Server(cut(5)))
    with pytest.raises(ApiError):
        await heard(workers, chat(stream=True))
    assert len(workers.leases) == 4


async def test_S6_another_text_is_an_error_and_no_made_up_end() -> None:
    others = [events(["Once", " upon", " the", " time"]), events(["Once", " upon"]), events(["Twice"])]
    for other in others:
        out: list[bytes] = []
        with pytest.raises(ApiError, match="does not say the same") as caught:
            await heard(Workers(Server(cut(5)), Server(good(other))), chat(stream=True), out)
        assert (caught.value.status, caught.value.code) == (502, "stream_broken")
        assert out == mine(WHOLE[:5])


async def test_reasoning_and_tool_calls_that_come_unasked_end_it_too() -> None:
    stream = [*WHOLE[:2], chunk({"reasoning_content": "hm"}), *WHOLE[2:]]
    with pytest.raises(ApiError, match="more than text"):
        await heard(Workers(Server(cut(5, whole=stream)), Server(good(stream))), chat(stream=True))


async def test_it_can_be_switched_off_and_seeded_ones_on() -> None:
    with pytest.raises(ApiError, match="continue_streams"):
        await heard(Workers(Server(cut(5)), Server(good())), chat(stream=True), on=False)
    seeded = chat(stream=True, temperature=1, seed=3)
    assert await heard(Workers(Server(cut(5)), Server(good())), seeded, seeded=True) == mine()


async def test_before_anything_was_sent_any_request_is_asked_again_within_the_budget() -> None:
    comment = [b": ping\n\n"]
    workers = Workers(Server(lambda _request: streamed(comment, end=BROKEN)), Server(good()))
    assert await heard(workers, chat(stream=True, temperature=1)) == mine()
    assert (workers.retries, workers.continuations) == (9, 0)
    for workers in (
        Workers(Server(lambda _request: streamed(comment, end=BROKEN))),
        Workers(Server(cut(0)), retries=0),
    ):
        with pytest.raises(ApiError, match="broke the connection"):
            await heard(workers, chat(stream=True))


async def test_completions_go_on_too() -> None:
    def text(word: str, reason: str | None = None) -> bytes:
        choice = {"index": 0, "text": word, "logprobs": None, "finish_reason": reason}
        return sse.encode({"id": "chatcmpl-theirs", "object": "text_completion", "created": 7, "choices": [choice]})

    stream = [*(text(word) for word in WORDS), text("", "stop"), usage(3, 8), sse.DONE]
    for at in range(1, len(stream)):
        workers = Workers(Server(cut(at, whole=stream)), Server(good(stream)))
        prompt: Any = ("a", ["a"], [[1, 2]], [1, 2])[at % 4]
        call = call_of({"prompt": prompt, "temperature": 0, "stream": True}, "completions")
        assert await heard(workers, call) == mine(stream)
    call = call_of({"prompt": ["a", "b"], "temperature": 0, "stream": True}, "completions")
    with pytest.raises(ApiError, match="several prompts"):
        await heard(Workers(Server(cut(3, whole=stream)), Server(good(stream))), call)


@pytest.mark.parametrize("at", range(2, len(WORDS) + 1))
async def test_a_worker_that_continues_is_asked_for_the_rest_alone(at: int) -> None:
    """V-Gate's dry-run engine: `owned_by` says so."""
    count = at - 1
    rest = [WHOLE[0], *WHOLE[at : len(WORDS) + 2], usage(3 + count, len(WORDS) - count), sse.DONE]
    other = Server(good(rest))
    workers = Workers(Server(cut(at)), other, owner="vgate")
    assert await heard(workers, chat("hi", stream=True, model="m", max_tokens=20)) == mine()
    asked = other.requests[0].json
    assert asked["messages"] == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "".join(WORDS[:count])},
    ]
    assert (asked["continue_final_message"], asked["add_generation_prompt"]) == (True, False)
    assert asked["max_tokens"] == 20 - count


async def test_S2_leaving_a_stream_that_waits_to_go_on_ends_all() -> None:
    workers = Workers(Server(cut(5)), Server(lambda _request: [], refusing=True))
    task = asyncio.create_task(heard(workers, chat(stream=True), wait_s=3600))
    await asyncio.sleep(2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert all(server.open == 0 for server in workers.servers.values())
    assert all(lease.outcome for lease in workers.leases)
