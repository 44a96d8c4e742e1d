"""The live page in a real browser, headless Chromium, in front of a server with traffic."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.admin_port import TOKEN, Live
from tests.browser import chromium

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1360, "height": 900}
# `make test` leaves the pictures there; git ignores it.
ARTIFACTS = Path(__file__).parents[1] / "test-artifacts"
HOSTILE_KEY = "<img src=x onerror=alert(1)>"
HOSTILE = f"{{key: sk-b, name: '{HOSTILE_KEY}', rate_limit: 3}}"
HOSTILE_ID = "<script>alert(2)</script>"
SETTINGS = (
    "engine.decode_step_ms=2",
    "batch=lockstep",
    "batch.max_wait_time_ms=5",
    "cache=lru",
    "dedup=single_flight",
    "security=keys",
    "security.api_keys=[{key: sk-a, name: production, rate_limit: 1000000}, {key: sk-c, name: idle}, " + HOSTILE + "]",
)
READ = """() => {
  const all = (query) => [...document.querySelectorAll(query)];
  const cells = (row) => [...row.cells].map((cell) => cell.textContent);
  return {
    t: Number(document.body.dataset.t),
    shown: all("[data-value]:not(#ready)").map((one) => [one.dataset.value, one.textContent]),
    lengths: Object.fromEntries(all("[data-length]").map((row) => [row.dataset.length, cells(row)])),
    keys: all("#keys tbody tr").map(cells),
    errors: all("#failed tbody tr").map(cells),
  };
}"""
SAID = """(data) => [...document.querySelectorAll("[data-value]:not(#ready)")].map((one) => {
  const value = at(data, one.dataset.value);
  const refused = value === null && one.dataset.percent;
  return [one.dataset.value, refused ? `n < ${data.minimum_n[refused]}` : said(value, one.dataset.as)];
})"""
HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


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


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    server = Live(*SETTINGS)
    server.start()
    traffic = Traffic(server.base_url)
    yield server
    traffic.stop()
    server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


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


@pytest.fixture
def watched(browser: Browser, live: Live) -> Iterator[Watched]:
    """The page on a desk, with the right token; everything it complains of fails the test."""
    opened = Watched(browser, live.admin_url)
    opened.wait_for_state("live")
    yield opened
    opened.close()
    assert opened.said == []


def remember(watched: Watched) -> None:
    """Keep what the server says, by its time."""

    def keep(response: Any) -> None:
        if response.url.endswith("/data") and response.ok:
            data = response.json()
            watched.data[data["t"]] = data

    watched.page.on("response", keep)


def test_the_page_shows_what_the_server_says(watched: Watched) -> None:
    watched.wait("document.querySelectorAll('#failed td').length > 0")
    remember(watched)
    for _ in range(5):
        watched.page.wait_for_timeout(1100)
        shown = watched.page.evaluate(READ)
        if shown["t"] in watched.data:
            break
    data = watched.data[shown["t"]]
    assert data["recent"]["requests"]["n"] > 20
    assert shown["shown"] == watched.page.evaluate(SAID, data)
    for name, cells in shown["lengths"].items():
        assert cells[1] == f"{data['recent'][name]['n']:,}"
    use = {row[0]: row for row in shown["keys"]}
    for key in data["recent"]["keys"]:
        assert use[key["name"]][1] == f"{key['requests']:,}"
    assert use["production"][2] == "1,000,000 requests in 1 min"
    assert use["idle"][1] == "0"
    errors = data["recent"]["last_errors"]
    assert [row[3] for row in shown["errors"]] == [error["request_id"] for error in errors]
    assert {row[1] for row in shown["errors"]} <= {"429", "400", "404"}


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "seconds", "\N{EN DASH}"),
        (0, "count", "0"),
        (12345, "count", "12,345"),
        (0.01234, "seconds", "12.3 ms"),
        (0.5, "seconds", "500 ms"),
        (1.5, "seconds", "1.50 s"),
        (0.042, "share", "4.2 %"),
        (0.5, "share", "50 %"),
        (59.9, "duration", "59 s"),
        (60, "duration", "1 min"),
        (90061, "duration", "1 d 1 h"),
        (512, "bytes", "512 B"),
        (3 << 20, "bytes", "3.00 MiB"),
        (True, "ready", "ready"),
        (False, "ready", "not ready"),
    ],
)
def test_numbers_as_words(watched: Watched, value: Any, kind: str, text: str) -> None:
    assert watched.page.evaluate("([value, kind]) => said(value, kind)", [value, kind]) == text


def test_a_percentile_of_too_few_is_refused(browser: Browser) -> None:
    server = Live()
    server.start()
    opened = Watched(browser, server.admin_url)
    opened.wait_for_state("live")
    assert opened.page.evaluate(READ)["lengths"]["ttft_s"] == ["TTFT", "0", "n < 7", "n < 44", "n < 459"]
    assert opened.page.inner_text("#failed tbody") == "None since the server started."
    opened.close()
    server.stop()


def test_the_numbers_are_behind_the_token_and_hold_no_prompt(live: Live) -> None:
    prompt, key = "what nobody may read", {"Authorization": "Bearer sk-a"}
    body = {"messages": [{"role": "user", "content": prompt}], "max_tokens": 2}
    for extra in ({}, {"n": prompt}, {prompt: 1}):
        httpx.post(f"{live.base_url}/v1/chat/completions", json={**body, **extra}, headers=key)
    assert httpx.get(f"{live.admin_url}/dashboard").status_code == 200
    for headers in ({}, {"Authorization": "Bearer sk-a"}, {"Authorization": TOKEN}):
        assert httpx.get(f"{live.admin_url}/dashboard/data", headers=headers).status_code == 401
    data = httpx.get(f"{live.admin_url}/dashboard/data", headers={"Authorization": f"Bearer {TOKEN}"})
    assert "400" in data.json()["recent"]["requests"]["by_status"]
    assert prompt not in data.text
    for path in ("/dashboard", "/dashboard/data"):
        assert httpx.get(f"{live.base_url}{path}", headers=key).status_code == 404


def test_hostile_names_stay_text(watched: Watched) -> None:
    watched.wait(f"document.getElementById('failed').textContent.includes({HOSTILE_ID!r})")
    assert HOSTILE_KEY in watched.page.inner_text("#keys")
    assert watched.page.locator("main img, main script, main b > *").count() == 0


def test_lines_are_drawn(watched: Watched) -> None:
    watched.page.wait_for_timeout(2500)
    drawn = watched.page.evaluate(
        "[...document.querySelectorAll('.figures .chart')].map(box => box.querySelector('path.s1').getAttribute('d'))"
    )
    assert len(drawn) == 6
    assert all("L" in line and "NaN" not in line for line in drawn)
    watched.page.locator(".picture").first.hover(position={"x": 5, "y": 20})
    assert re.fullmatch(r"\d+ (s|min)( \d+ s)? ago", watched.page.locator(".since").first.inner_text())


def test_who_looks_elsewhere_asks_nothing(watched: Watched) -> None:
    watched.page.evaluate(HIDE, True)
    asked = len(watched.asked)
    watched.page.wait_for_timeout(2500)
    assert len(watched.asked) == asked
    watched.page.evaluate(HIDE, False)
    watched.wait(f"Number(document.body.dataset.t) > {watched.page.evaluate('document.body.dataset.t')}")
    assert len(watched.asked) > asked


def test_a_wrong_token_is_asked_for_again(browser: Browser, live: Live) -> None:
    opened = Watched(browser, live.admin_url, token=None, viewport=PHONE)
    page = opened.page
    assert page.evaluate("document.activeElement.id") == "token"
    assert page.get_by_label("Admin token").is_visible()
    assert opened.asked == [f"{live.admin_url}/dashboard", "data:,"] or len(opened.asked) == 1
    for wrong in ("nonsense", "ключ"):
        page.get_by_label("Admin token").fill(wrong)
        page.keyboard.press("Enter")
        opened.wait_for_state("does not know this token")
        assert page.locator("main").is_hidden()
        assert page.evaluate("sessionStorage.length") == 0
    page.get_by_label("Admin token").fill(TOKEN)
    page.keyboard.press("Enter")
    opened.wait_for_state("live")
    assert page.locator("#door").is_hidden()
    assert page.evaluate("localStorage.length") == 0
    page.reload()
    opened.wait_for_state("live")
    opened.close()
    assert len(opened.said) == 1
    assert "401" in opened.said[0]


def test_a_server_that_goes_away_and_comes_back(browser: Browser) -> None:
    server = Live()
    server.start()
    opened = Watched(browser, server.admin_url)
    opened.wait_for_state("live")
    server.kill()
    opened.wait_for_state("does not answer")
    assert "The numbers are of " in opened.page.inner_text("#state")
    assert opened.page.locator("main.stale").is_visible()
    server.start()
    opened.wait_for_state("live")
    assert opened.page.locator("main.stale").count() == 0
    opened.close()
    server.stop()
    assert all("ERR_CONNECTION" in line for line in opened.said)


def test_a_server_that_answers_something_else(browser: Browser, live: Live) -> None:
    opened = Watched(browser, live.admin_url)
    opened.wait_for_state("live")
    opened.page.route("**/data", lambda route: route.fulfill(status=503, body="{}"))
    opened.wait_for_state("The server answers 503.")
    opened.page.unroute("**/data")
    opened.wait_for_state("live")
    opened.close()


@pytest.mark.parametrize(
    ("name", "viewport", "scheme"), [("phone", PHONE, "light"), ("desk", DESK, "light"), ("dark", DESK, "dark")]
)
def test_it_fits_and_is_kept_as_a_picture(
    browser: Browser, live: Live, name: str, viewport: dict[str, int], scheme: str
) -> None:
    opened = Watched(browser, live.admin_url, viewport=viewport, color_scheme=scheme)
    opened.wait_for_state("live")
    opened.page.wait_for_timeout(3000)
    assert opened.page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    ARTIFACTS.mkdir(exist_ok=True)
    picture = ARTIFACTS / f"dashboard-{name}.png"
    opened.page.screenshot(path=picture, full_page=True)
    assert picture.stat().st_size > 10_000
    paper = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", paper)[:3])) < 300) is (scheme == "dark")
    opened.close()
    assert opened.said == []


def test_the_door_fits_a_phone(browser: Browser, live: Live) -> None:
    opened = Watched(browser, live.admin_url, token=None, viewport=PHONE)
    assert opened.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    opened.close()


def test_who_cannot_see_is_told(watched: Watched) -> None:
    """Tables have headers, pictures words, and the one region that speaks by itself is the state."""
    page = watched.page
    assert page.locator("[aria-live], [role=status], [role=alert]").count() == 1
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator("section:not([aria-labelledby]):not([aria-label])").count() == 0
    words = page.evaluate("[...document.querySelectorAll('svg')].map(svg => svg.getAttribute('aria-label'))")
    assert len(words) == 7
    assert all(re.match(r"Last \d min; now .+; scale to ", text) for text in words)
    page.keyboard.press("Tab")
    focused = page.evaluate("document.activeElement.getAttribute('aria-labelledby')")
    assert focused == "use"
