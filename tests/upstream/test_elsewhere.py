"""Looking for a worker that goes on: bounded in time, whatever the workers do."""

import asyncio
from collections.abc import Callable

import pytest

from tests.calls import chat
from tests.upstream.test_unbroken import cut, good, heard, mine
from tests.upstream.wires import END, HEAD, Server, Workers, streamed
from vgate import sse
from vgate.errors import ApiError

SILENT: dict[str, Callable[[], Server]] = {
    "connected": lambda: Server(lambda _request: [(3600.0, b"")]),
    "status and headers": lambda: Server(lambda _request: [(0.0, HEAD), (3600.0, END)]),
    "comments": lambda: Server(lambda _request: streamed([b": alive\n\n"] * 600, step_s=1.0)),
}


@pytest.mark.parametrize("silent", SILENT.values(), ids=SILENT)
async def test_a_worker_that_does_not_begin_is_given_up_for_another_one(silent: Callable[[], Server]) -> None:
    workers = Workers(Server(cut(5)), silent(), silent(), Server(good()))
    assert await heard(workers, chat(stream=True), wait_s=10.0) == mine()
    assert 7.5 < asyncio.get_running_loop().time() < 8.0  # a half, and a half of the other half
    assert [lease.outcome for lease in workers.leases] == ["failed", "left", "left", "ok"]
    assert all(server.open <= 1 for server in workers.servers.values())


@pytest.mark.parametrize("silent", SILENT.values(), ids=SILENT)
async def test_S6_where_all_are_silent_the_stream_ends_in_time_with_an_error(silent: Callable[[], Server]) -> None:
    out: list[bytes] = []
    workers = Workers(Server(cut(5)), silent())
    with pytest.raises(ApiError, match=r"broke the connection.* No other worker .* within 10 s") as caught:
        await heard(workers, chat(stream=True), out, wait_s=10.0)
    assert (caught.value.status, caught.value.code) == (502, "stream_broken")
    assert (10.0 < asyncio.get_running_loop().time() < 10.2, sse.DONE in out) == (True, False)
    await asyncio.sleep(0.01)
    assert all(lease.outcome for lease in workers.leases)


async def test_one_that_begins_late_is_waited_for_where_nobody_else_is() -> None:
    late = Server(lambda request: [(9.0, HEAD), *list(good()(request))[1:]])
    assert await heard(Workers(Server(cut(5)), late), chat(stream=True), wait_s=10.0) == mine()


@pytest.mark.parametrize("at_s", [1.0, 5.06, 7.0])
async def test_R5_leaving_while_it_is_looked_for_leaves_no_place_taken(at_s: float) -> None:
    workers = Workers(Server(cut(5)), *(SILENT["connected"]() for _ in range(3)))
    task = asyncio.create_task(heard(workers, chat(stream=True), wait_s=10.0))
    await asyncio.sleep(at_s)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0.01)
    assert all(lease.outcome for lease in workers.leases)
    assert all(server.open == 0 for server in workers.servers.values())
