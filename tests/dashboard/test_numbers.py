"""The numbers on the live page are those that its server says, in a real browser, headless Chromium."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.admin_port import Live
from tests.dashboard.watching import Watched

READ = """() => {
  const all = (query) => [...document.querySelectorAll(query)];
  const cells = (row) => [...row.cells].map((cell) => cell.textContent);
  return {
    t: Number(document.body.dataset.t),
    shown: all("[data-value]:not(#ready)").map((one) => [one.dataset.value, one.textContent]),
    lengths: Object.fromEntries(all("[data-length]").map((row) => [row.dataset.length, cells(row)])),
    keys: all("#keys tbody tr").map(cells),
    window: document.getElementById("window").textContent,
    errors: all("#failed tbody tr").map(cells),
  };
}"""
SAID = """(data) => [...document.querySelectorAll("[data-value]:not(#ready)")].map((one) => {
  const value = at(data, one.dataset.value);
  const refused = value === null && one.dataset.percent;
  return [one.dataset.value, refused ? `n < ${data.minimum_n[refused]}` : said(value, one.dataset.as)];
})"""


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
    for name, limits in data["limits"]["keys"].items():
        assert use[name][5] == f"{limits['requests_used']:,} of {limits['requests']:,}"
    assert data["limits"]["keys"]["production"]["requests_used"] > 20
    assert use["idle"] == ["idle", "0", "0", "0", "0", "0 of 60", "0 of 5,000", "4"]
    assert shown["window"] == "in any 1 min"
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


def test_lines_are_drawn(watched: Watched) -> None:
    lines = (
        "[...document.querySelectorAll('.figures .chart')].map(box => box.querySelector('path.s1').getAttribute('d'))"
    )
    watched.wait(f"{lines}.every(line => line.includes('L'))")
    drawn = watched.page.evaluate(lines)
    assert len(drawn) == 6
    assert not any("NaN" in line for line in drawn)
    watched.page.locator(".picture").first.hover(position={"x": 5, "y": 20})
    assert re.fullmatch(r"\d+ (s|min)( \d+ s)? ago", watched.page.locator(".since").first.inner_text())
