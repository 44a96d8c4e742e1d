"""When the live page asks its server, and what it does when that has gone or does not know its token."""

from playwright.sync_api import Browser, Route

from tests.admin_port import TOKEN, Live
from tests.dashboard.watching import PHONE, Watched

HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


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


def test_what_it_cannot_show_is_said_and_it_asks_again(browser: Browser, live: Live) -> None:
    opened = Watched(browser, live.admin_url)
    opened.wait_for_state("live")
    opened.page.route("**/data", lambda route: route.fulfill(status=200, body='{"t": 1}'))
    opened.wait_for_state("The server answers what this page cannot show.")
    opened.page.unroute("**/data")
    opened.wait_for_state("live")
    opened.close()


def test_after_an_hour_elsewhere_it_shows_the_last_minute_and_no_line_across_the_gap(watched: Watched) -> None:
    page = watched.page
    page.evaluate(HIDE, True)

    def an_hour_later(route: Route) -> None:
        answer = route.fetch()
        data = answer.json()
        data["t"] += 3600
        data["recent"]["uptime_s"] += 3600
        route.fulfill(response=answer, json=data)

    page.route("**/data", an_hour_later)
    before = float(page.evaluate("document.body.dataset.t"))
    page.evaluate(HIDE, False)
    watched.wait(f"Number(document.body.dataset.t) > {before + 3000}")
    lines = page.evaluate("[...document.querySelectorAll('.picture path')].map(path => path.getAttribute('d'))")
    assert not any("NaN" in line or "Infinity" in line for line in lines if line)
    assert page.locator(".since").first.inner_text() == "1 min ago"
    assert page.evaluate("past.seconds.size") <= 61
    page.unroute("**/data")
