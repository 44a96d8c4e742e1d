"""What goes over the wire to whom."""

import asyncio

from tests.upstream.wires import TIMEOUTS, Server, answer
from vgate.upstream.client import BETWEEN, Client
from vgate.workers.worker import Worker, WorkerSpec


def client(server: Server) -> Client:
    return Client(TIMEOUTS, 4.0, server.dial)


async def asked(by: Client, worker: Worker) -> None:
    connection = await by.post(worker, "/v1/completions", b"{}", {"X-Request-Id": "a"})
    await connection.rest(30, BETWEEN)
    by.over(worker, connection)


async def test_a_request_as_it_goes_out() -> None:
    server = Server(lambda _request: [(0.0, answer(b"{}"))])
    await asked(client(server), Worker(WorkerSpec("https://pod.example.com/proxy", "pod", "Bearer k")))
    (request,) = server.requests
    assert (request.line, request.body) == ("POST /proxy/v1/completions HTTP/1.1", b"{}")
    assert request.headers == {
        "host": "pod.example.com",
        "authorization": "Bearer k",
        "user-agent": "vgate",
        "accept": "*/*",
        "content-type": "application/json",
        "x-request-id": "a",
        "content-length": "2",
    }


async def test_O6_a_key_that_changes_is_the_next_requests_key_and_none_goes_where_none_is_configured() -> None:
    server = Server(lambda _request: [(0.0, answer(b"{}"))])
    by, worker = client(server), Worker(WorkerSpec("http://w0:1", "w0", "Bearer old"))
    await asked(by, worker)
    for authorization in ("Bearer new", None):
        worker.spec = WorkerSpec("http://w0:1", "w0", authorization)
        await asked(by, worker)
    keys = [request.headers.get("authorization") for request in server.requests]
    assert keys == ["Bearer old", "Bearer new", None]
    assert server.dials == 1


async def test_a_check_is_a_get_with_the_workers_key() -> None:
    server = Server(lambda _request: [(0.0, answer(b"no", "503 No"))])
    worker = Worker(WorkerSpec("http://w0:1", "w0", "Bearer k"))
    assert await client(server).get(worker, "/ready") == (503, b"no")
    (request,) = server.requests
    assert (request.line, request.headers["authorization"]) == ("GET /ready HTTP/1.1", "Bearer k")


async def test_workers_that_come_and_go_leave_nothing_behind() -> None:
    server = Server(lambda _request: [(0.0, answer(b"{}"))])
    by = client(server)
    for number in range(100):
        await asked(by, Worker(WorkerSpec(f"http://w{number}:1", f"w{number}")))
        await asyncio.sleep(60)
    assert len(by._lines) <= 12
    by.close()
    assert server.open == 0


async def test_one_that_left_and_came_back_takes_nothing_from_the_one_before_and_all_are_closed() -> None:
    server = Server(lambda _request: [(0.0, answer(b"{}"))])
    by = client(server)
    before, after = (Worker(WorkerSpec("http://w0:1", "w0", key)) for key in ("Bearer old", "Bearer new"))
    for worker in (before, after, before, after):
        await asked(by, worker)
    assert [request.headers["authorization"][7:] for request in server.requests] == ["old", "new", "old", "new"]
    assert (server.dials, server.open) == (2, 2)
    by.close()
    assert server.open == 0
