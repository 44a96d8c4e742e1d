"""A page as a browser shows it, and clients that give its server something to show."""

import threading
from typing import Any

import httpx
from playwright.sync_api import Browser, Page

from tests.admin_port import TOKEN

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1360, "height": 900}
HOSTILE_KEY = "<img src=x onerror=alert(1)>"
HOSTILE = f"{{key: sk-b, name: '{HOSTILE_KEY}', rate_limit: 3}}"
# What is special where an object is a table, and what is long.
ODD_KEYS = ("__proto__", "constructor", "a" * 100)
ODD = ", ".join(f"{{key: sk-{number}, name: {name}}}" for number, name in enumerate(ODD_KEYS))
HOSTILE_ID = "<script>alert(2)</script>"
BUSY = "{key: sk-a, name: production, rate_limit: 1000000}"
IDLE = "{key: sk-c, name: idle, token_limit: 5000, concurrency: 4}"
SETTINGS = (
    "engine.decode_step_ms=2",
    "batch=lockstep",
    "batch.max_wait_time_ms=5",
    "cache=lru",
    "dedup=single_flight",
    "security=keys",
    f"security.api_keys=[{BUSY}, {IDLE}, {HOSTILE}, {ODD}]",
)


class Traffic:
    """Clients that ask until told to stop: most are answered, some are refused."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(3)]
        for thread in self._threads:
            thread.start()

    def _ask(self, number: int) -> None:
        with httpx.Client(base_url=self._base_url, timeout=30) as client:
            count = 0
            while not self._over.wait(0.02):
                count += 1
                body = {"messages": [{"role": "user", "content": f"{number} {count % 40}"}], "max_tokens": 6}
                key, name = ("sk-b", HOSTILE_ID) if count % 20 == 0 else ("sk-a", f"r-{number}-{count}")
                headers = {"Authorization": f"Bearer {key}", "X-Request-Id": name}
                client.post(
                    "/v1/chat/completions",
                    json={**body, "temperature": 0, "stream": count % 2 == 0},
                    headers=headers,
                )

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


class Watched:
    """A page, and what it asked for and complained of."""

    def __init__(self, browser: Browser, url: str, token: str | None = TOKEN, **context: Any) -> None:
        self._context = browser.new_context(**{"viewport": DESK, **context})
        if token:
            self._context.add_init_script(f"sessionStorage.setItem('vgate-admin-token', '{token}')")
        self.page: Page = self._context.new_page()
        self.url = url
        self.asked: list[str] = []
        self.said: list[str] = []
        self.data: dict[float, dict[str, Any]] = {}
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(dialog.message))
        self.page.goto(f"{url}/dashboard")

    def wait(self, script: str) -> None:
        """Until it is true. Playwright's own way of waiting is `eval`, which the page's policy forbids."""
        for _ in range(400):
            if self.page.evaluate(script):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never true: {script}; {self.page.inner_text('#state')!r}, {self.said}")

    def wait_for_state(self, words: str) -> None:
        self.wait(f"document.getElementById('state').textContent.includes({words!r})")

    def close(self) -> None:
        self._context.close()
        assert {url.removeprefix(self.url) for url in self.asked} <= {"/dashboard", "/dashboard/data", "data:,"}
