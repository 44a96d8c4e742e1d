"""How the live page looks: pictures of it are kept, and who cannot see it is told."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.admin_port import Live
from tests.dashboard.watching import DESK, PHONE, Watched

# `make test` leaves the pictures there; git ignores it.
ARTIFACTS = Path(__file__).parents[2] / "test-artifacts"


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
