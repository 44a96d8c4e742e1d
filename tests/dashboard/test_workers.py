"""The table of workers on the live page."""

import threading
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser

from tests.admin_port import Live
from tests.dashboard.test_looks import ARTIFACTS
from tests.dashboard.watching import DESK, PHONE, Watched
from tests.servers import Server, running

# Names may be anything that can be printed; nobody listens at the second's address.
GONE = "<img/src=x/onerror=alert(3)>"
CELLS = "[...document.querySelectorAll('#workers tr')].map((row) => [...row.cells].map((cell) => cell.textContent))"


@pytest.fixture(scope="module")
def worker() -> Iterator[Server]:
    with running("+preset=dry_run", "engine.decode_step_ms=20") as started:
        yield started


@pytest.fixture(scope="module")
def gateway(worker: Server) -> Iterator[Live]:
    workers = (
        f"{{url: '{worker.base_url}', name: a, max_concurrency: 4}}, {{url: 'http://127.0.0.1:9', name: '{GONE}'}}"
    )
    gateway = Live("engine=upstream", f"engine.workers=[{workers}]")
    gateway.start()
    yield gateway
    gateway.stop()


def ask(gateway: Live, tokens: int) -> int:
    body = {"model": "tiny", "messages": [{"role": "user", "content": "hi"}], "max_tokens": tokens}
    return httpx.post(f"{gateway.base_url}/v1/chat/completions", json=body, timeout=30).status_code


def test_workers_are_shown_as_they_are(browser: Browser, gateway: Live) -> None:
    assert [ask(gateway, 2) for _ in range(3)] == [200] * 3
    long = threading.Thread(target=ask, args=(gateway, 300))
    long.start()
    opened = Watched(browser, gateway.admin_url)
    opened.wait_for_state("live")
    opened.wait("document.querySelector('#workers .used') !== null")
    opened.wait("document.querySelector('#workers .used').textContent === '1 of 4'")
    opened.wait("document.querySelector('#workers .bad') !== null")
    assert opened.page.evaluate(CELLS) == [
        ["worker", "state", "circuit breaker", "times opened", "in flight", "ok", "failed", "busy", "left"],
        [GONE, "down", "closed", "0", "0", "0", "0", "0", "0"],
        ["a", "ready", "closed", "0", "1 of 4", "3", "0", "0", "0"],
    ]
    assert opened.page.locator("#workers img").count() == 0
    opened.page.wait_for_timeout(1500)
    ARTIFACTS.mkdir(exist_ok=True)
    opened.page.screenshot(path=ARTIFACTS / "dashboard-workers.png", full_page=True)
    long.join()
    opened.wait(f"{CELLS}[2][5] === '4'")
    assert opened.page.evaluate(CELLS)[2][4:6] == ["0 of 4", "4"]
    for viewport in (PHONE, DESK):
        opened.page.set_viewport_size({"width": viewport["width"], "height": viewport["height"]})
        assert opened.page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    opened.close()
    assert opened.said == []


def test_an_engine_without_workers_shows_no_table_of_them(watched: Watched) -> None:
    assert watched.page.locator("#fleet").is_hidden()
    assert watched.page.evaluate(CELLS) == [watched.page.evaluate(CELLS)[0]]
