"""One server with traffic, and one browser, for all tests of the live page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.admin_port import Live
from tests.browser import chromium
from tests.dashboard.watching import SETTINGS, Traffic, Watched


@pytest.fixture(scope="package")
def live() -> Iterator[Live]:
    server = Live(*SETTINGS)
    server.start()
    traffic = Traffic(server.base_url)
    yield server
    traffic.stop()
    server.stop()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def watched(browser: Browser, live: Live) -> Iterator[Watched]:
    """The page on a desk, with the right token; everything it complains of fails the test."""
    opened = Watched(browser, live.admin_url)
    opened.wait_for_state("live")
    yield opened
    opened.close()
    assert opened.said == []
