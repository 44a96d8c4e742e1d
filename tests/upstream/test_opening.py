"""Which workers are asked, and how often, until one answers."""

import asyncio
import time

import pytest

from tests.calls import chat
from tests.upstream.wires import BROKEN, END, HEAD, Script, Server, Workers, answer, error, part, streamed
from vgate.errors import ApiError
from vgate.upstream.asking import PATHS, asking_of
from vgate.upstream.opening import Opened, Opening

SAID = b'{"id":"a","choices":[{}]}'
GOOD = [(0.1, answer(SAID))]


def serving(*scripts: Script) -> list[Server]:
    return [Server(lambda _request, script=script: script) for script in scripts]


async def opened(workers: Workers, stream: bool = False, attempts: int = 3, hedge_ms: float | None = None) -> Opened:
    call = chat(stream=stream)
    opening = Opening(workers.client, workers, attempts, hedge_ms)  # type: ignore[arg-type]
    return await opening.first(call, asking_of(call, PATHS["chat"], call.body))


FAILING: dict[str, tuple[Server, int]] = {
    "refused": (Server(lambda _request: [], refusing=True), 502),
    "reset": (Server(lambda _request: [(0.1, BROKEN)]), 502),
    "closed": (Server(lambda _request: [(0.1, b"")]), 502),
    "broke off": (Server(lambda _request: [(0.1, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), (0.1, b"")]), 502),
    "500": (Server(lambda _request: [(0.1, error("500 No"))]), 502),
    "503": (Server(lambda _request: [(0.1, error("503 No"))]), 503),
    "busy": (Server(lambda _request: [(0.1, answer(b"", "503 No", "Retry-After: 3"))]), 503),
    "not http": (Server(lambda _request: [(0.1, b"SSH-2.0\r\n")]), 502),
    "HTML": (Server(lambda _request: [(0.1, answer(b"<html>hi</html>"))]), 502),
    "nothing": (Server(lambda _request: [(0.1, answer(b""))]), 502),
    "half": (Server(lambda _request: [(0.1, answer(b'{"id":"a"'))]), 502),
    "no object": (Server(lambda _request: [(0.1, answer(b"[1]"))]), 502),
    "no choices": (Server(lambda _request: [(0.1, answer(b'{"id":"a","choices":[]}'))]), 502),
    "error with 200": (Server(lambda _request: [(0.1, answer(b'{"error":{"message":"no","code":500}}'))]), 500),
    "silent": (Server(lambda _request: [(3600.0, b"")]), 504),
    "no connection": (Server(lambda _request: [], dial_s=60.0), 504),
}


@pytest.mark.parametrize(("server", "_status"), FAILING.values(), ids=FAILING)
async def test_S9_before_the_first_byte_another_worker_is_asked(server: Server, _status: int) -> None:
    workers = Workers(server, *serving(GOOD))
    answered = await opened(workers)
    assert (answered.worker.name, answered.first) == ("w1", SAID)
    answered.close("ok")
    assert sum(workers.ended.values()) == 2
    assert workers.ended["ok"] == 1
    assert workers.retries == 9
    assert [lease.answered for lease in workers.leases] == [False, True]


@pytest.mark.parametrize(("server", "status"), FAILING.values(), ids=FAILING)
async def test_O9_without_budget_or_another_worker_the_client_is_told(server: Server, status: int) -> None:
    for workers in (Workers(server, *serving(GOOD), retries=0), Workers(server)):
        with pytest.raises(ApiError) as caught:
            await opened(workers)
        assert caught.value.status == status
        assert workers.ended["ok"] == 0
        assert all(lease.outcome for lease in workers.leases)


@pytest.mark.parametrize("status", ["400 Bad", "404 Not Found", "413 Big", "422 No", "429 Slow"])
async def test_O9_what_is_wrong_with_the_request_is_asked_once(status: str) -> None:
    workers = Workers(*serving([(0.1, error(status))], GOOD))
    with pytest.raises(ApiError) as caught:
        await opened(workers)
    assert caught.value.status == int(status[:3])
    assert (len(workers.leases), workers.retries) == (1, 10)
    assert workers.leases[0].outcome == ("busy" if status.startswith("429") else "ok")


async def test_O9_no_more_workers_are_asked_than_attempts_are_allowed() -> None:
    workers = Workers(*(FAILING["500"][0] for _ in range(5)))
    with pytest.raises(ApiError):
        await opened(workers, attempts=3)
    assert len(workers.leases) == 3


async def test_a_stream_that_breaks_before_its_first_byte_or_begins_with_an_error_is_asked_elsewhere() -> None:
    for first in ([(0.0, HEAD), (0.1, BROKEN)], streamed([b'data: {"error":{"message":"died","code":500}}\n\n'])):
        workers = Workers(*serving(first, streamed([b"data: 1\n\n"])))
        answered = await opened(workers, stream=True)
        assert (answered.worker.name, answered.first) == ("w1", b"data: 1\n\n")
        answered.close("left")


BAD = b'{"error":{"message":"bad field","code":400}}'


@pytest.mark.parametrize("stream", [True, False])
async def test_O9_an_error_of_the_request_with_status_200_is_the_clients(stream: bool) -> None:
    scripts: list[Script] = [[(0.0, answer(BAD))]]
    if stream:
        scripts.append(streamed([b"data: " + BAD + b"\n\ndata: [DONE]\n\n"]))
        scripts.append([(0.0, HEAD + part(b"data:" + BAD + b"\r\n\r\n") + END)])
    for script in scripts:
        workers = Workers(*serving(script, GOOD))
        with pytest.raises(ApiError, match="bad field") as caught:
            await opened(workers, stream=stream)
        assert (caught.value.status, workers.ended) == (400, {"ok": 1})


async def test_a_whole_answer_where_a_stream_was_asked_is_none() -> None:
    with pytest.raises(ApiError, match="no stream"):
        await opened(Workers(*serving(GOOD)), stream=True)


async def test_a_whole_answer_has_its_time_however_it_comes() -> None:
    """Blanks before it, which keep a connection alive, are no beginning: `wires.TIMEOUTS`."""
    trickle = [(1.0, part(b" "))] * 600
    with pytest.raises(ApiError, match=r"within 60 s \(engine.timeouts.first_byte_s\)"):
        await opened(Workers(*serving([(1.0, HEAD), *trickle])))
    assert asyncio.get_running_loop().time() == pytest.approx(60, abs=0.5)
    with pytest.raises(ApiError, match="between_s"):
        await opened(Workers(*serving([(0.0, HEAD.replace(b"200 OK", b"500 No")), *trickle])))
    assert asyncio.get_running_loop().time() == pytest.approx(90, abs=0.5)


async def test_S1_a_stream_is_there_with_its_first_bytes() -> None:
    workers = Workers(*serving([(1.0, HEAD + part(b"data: 1\n\n")), (3600.0, b"")]))
    answered = await opened(workers, stream=True)
    assert asyncio.get_running_loop().time() == pytest.approx(1.0)
    answered.close("left")
    assert next(iter(workers.servers.values())).open == 0


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("at_s", [0.0, 0.5, 1.5, 2.5])
async def test_S2_a_client_that_leaves_is_seen_by_the_worker_at_once(stream: bool, at_s: float) -> None:
    """While the connection is opened, before the answer, within it."""
    server = Server(lambda _request: [(1.0, HEAD), (1.0, part(b"data: 1\n\n")), (3600.0, b"")], dial_s=0.3)
    workers = Workers(server)
    task = asyncio.create_task(opened(workers, stream=stream))
    await asyncio.sleep(at_s)
    if task.done():
        task.result().close("left")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert server.open == 0
    assert [lease.outcome for lease in workers.leases] == ["left"] * len(workers.leases)


async def test_a_kept_connection_that_its_server_was_closing_costs_no_retry() -> None:
    server = Server(lambda _request: GOOD)
    workers = Workers(server)
    (await opened(workers)).close("ok")
    server.script = lambda request: [(0.001, BROKEN)] if request.wire is server.wires[0] else GOOD
    answered = await opened(workers)
    answered.close("ok")
    assert (server.dials, workers.retries, workers.ended["ok"]) == (2, 10, 2)


async def test_a_worker_that_breaks_a_kept_connection_after_a_while_has_failed() -> None:
    server = Server(lambda _request: GOOD)
    workers = Workers(server)
    (await opened(workers)).close("ok")
    server.script = lambda _request: [(5.0, BROKEN)]
    with pytest.raises(ApiError):
        await opened(workers)
    assert server.dials == 1


@pytest.mark.parametrize(("first_s", "winner"), [(0.05, "w0"), (5.0, "w1")])
async def test_hedging_takes_whoever_begins_first(first_s: float, winner: str) -> None:
    slow = [(first_s, answer(SAID))]
    workers = Workers(*serving(slow, GOOD))
    answered = await opened(workers, hedge_ms=100)
    assert answered.worker.name == winner
    answered.close("ok")
    assert workers.hedges_won == (winner == "w1")
    await asyncio.sleep(0)
    assert workers.ended["ok"] == 1
    assert workers.ended["left"] == (winner == "w1")
    await asyncio.sleep(10)


async def test_hedging_needs_budget_and_survives_failures_of_either() -> None:
    workers = Workers(*serving([(0.5, answer(SAID))], GOOD), retries=0)
    (await opened(workers, hedge_ms=100)).close("ok")
    assert [lease.outcome for lease in workers.leases] == ["ok", "left"]
    for scripts in ([[(0.3, BROKEN)], [(0.4, answer(SAID))]], [[(0.4, answer(SAID))], [(0.1, BROKEN)]]):
        workers = Workers(*serving(*scripts))
        (await opened(workers, hedge_ms=100)).close("ok")
        assert workers.ended == {"ok": 1, "failed": 1}


async def test_both_that_were_asked_side_by_side_have_been_tried() -> None:
    workers = Workers(*serving([(0.5, BROKEN)], [(0.1, BROKEN)], GOOD))
    answered = await opened(workers, hedge_ms=100)
    answered.close("ok")
    assert [lease.worker.name for lease in workers.leases] == ["w0", "w1", "w2"]
    workers = Workers(*serving(*[[(0.5, error("500 No"))]] * 6))
    with pytest.raises(ApiError):
        await opened(workers, hedge_ms=100, attempts=3)
    assert (len(workers.leases), workers.ended) == (3, {"failed": 3})


@pytest.mark.parametrize("faulty", [0, 1])
async def test_O9_an_error_of_the_request_does_not_wait_for_the_second_worker(faulty: int) -> None:
    scripts: list[Script] = [[(3600.0, b"")], [(3600.0, b"")]]
    scripts[faulty] = [(0.2, error("400 Bad"))]
    workers = Workers(*serving(*scripts))
    with pytest.raises(ApiError) as caught:
        await opened(workers, hedge_ms=100)
    assert (caught.value.status, asyncio.get_running_loop().time() < 1) == (400, True)
    await asyncio.sleep(0.01)
    assert workers.ended == {"ok": 1, "left": 1}


async def test_a_second_worker_that_is_busy_leaves_it_to_the_first() -> None:
    workers = Workers(*serving([(0.5, answer(SAID))], [(0.1, error("429 Slow"))]))
    (await opened(workers, hedge_ms=100)).close("ok")
    assert workers.ended == {"ok": 1, "busy": 1}


@pytest.mark.parametrize("turns", range(12))
async def test_R5_whenever_a_client_leaves_two_workers_both_are_free(turns: int) -> None:
    workers = Workers(*serving([(0.3, answer(SAID))], [(0.1, answer(SAID))]))
    task = asyncio.create_task(opened(workers, hedge_ms=100))
    await asyncio.sleep(0.2)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    (result,) = await asyncio.gather(task, return_exceptions=True)
    if isinstance(result, Opened):
        result.close("left")
    await asyncio.sleep(0)
    assert all(lease.outcome for lease in workers.leases)


def test_pass_through_is_cheap() -> None:
    """Not the published figure: a guard against a mistake of an order of magnitude."""

    async def many() -> float:
        workers = Workers(*serving([(0.0, answer(SAID))]))
        begun = time.process_time()
        for _ in range(1000):
            (await opened(workers)).close("ok")
        return time.process_time() - begun

    assert asyncio.run(many()) < 2.0
