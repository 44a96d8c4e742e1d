"""What one client may not do to the server or to others: endless headers, slow reading, a closed log."""

import os
import socket
import subprocess
import sys
import time

import httpx

from tests.servers import Server, running, start

CHAT = "/v1/chat/completions"
SHORT = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 2}


def address(server: Server) -> tuple[str, int]:
    return "127.0.0.1", int(server.base_url.rpartition(":")[2])


def test_endless_header_is_refused(dry_server: Server) -> None:
    with socket.create_connection(address(dry_server), timeout=10) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 200_000)
        assert connection.recv(1000).startswith(b"HTTP/1.1 431 ")
    assert httpx.get(f"{dry_server.base_url}/health").status_code == 200


def test_large_bodies_on_one_connection_are_not_headers(dry_server: Server) -> None:
    text = "x" * 300_000
    with httpx.Client(base_url=dry_server.base_url) as client:
        for _ in range(3):
            body = {"messages": [{"role": "user", "content": text}], "max_tokens": 1}
            assert client.post(CHAT, json=body).status_code == 200


def test_S10_slow_reader_under_lockstep_does_not_hold_up_others() -> None:
    lockstep = ("batch=lockstep", "batch.max_wait_time_ms=1", "cache=none")
    with running("+preset=dry_run", *lockstep, "engine.decode_step_ms=1", "engine.decode_step_per_seq_ms=0") as server:
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(address(server))
        body = b'{"messages":[{"role":"user","content":"x"}],"stream":true,"n":16,"max_tokens":1500}'
        head = (
            f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        slow.sendall(head.encode() + body)
        time.sleep(0.5)
        # The slow one's generation takes 1.5 s; unread, its 24,000 events fill every buffer on the way.
        assert httpx.post(server.base_url + CHAT, json=SHORT, timeout=15).status_code == 200
        slow.close()


def test_prompts_and_wrong_fields_are_not_in_the_log(dry_server: Server) -> None:
    for body in ({"messages": "TOPSECRET"}, {"messages": [{"role": "user", "content": {"a": "TOPSECRET"}}]}):
        assert "TOPSECRET" in httpx.post(dry_server.base_url + CHAT, json=body).text
    httpx.post(dry_server.base_url + CHAT, json={**SHORT, "user": {"a": "TOPSECRET"}})
    dry_server.wait_for("request done", status=400, error="invalid_request_error messages")
    assert "TOPSECRET" not in str(dry_server.lines)


def test_end_of_grace_is_told_in_openai_form() -> None:
    server = start("+preset=dry_run", "engine.decode_step_ms=1000", "server.shutdown_grace_s=1")
    body = {**SHORT, "max_tokens": 500, "stream": True}
    with httpx.stream("POST", server.base_url + CHAT, json=body, timeout=30) as response:
        lines = response.iter_lines()
        next(lines)
        server.process.terminate()
        rest = [line for line in lines if line]
    assert "The server is stopping." in rest[-1]
    assert "[DONE]" not in "".join(rest)
    assert server.wait_for("request done")[0]["error"] == "The server is stopping."
    server.process.wait(20)
    assert server.stop() == 0
    assert not [line for line in server.lines if "exception" in line]


def test_server_outlives_the_reader_of_its_log() -> None:
    """Closed stdout: the log is lost, the server goes on and stops when asked."""
    command = [sys.executable, "-m", "vgate.serve", "+preset=dry_run", "server.port=0"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VGATE_")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=clean)
    assert process.stdout is not None
    port = int(process.stdout.readline().partition('"port":')[2].partition(",")[0])
    process.stdout.close()
    for _ in range(5):
        assert httpx.post(f"http://127.0.0.1:{port}{CHAT}", json=SHORT, timeout=10).status_code == 200
    process.terminate()
    assert process.wait(15) == 0
