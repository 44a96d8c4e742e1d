"""The report in a real browser: headless Chromium, as wide as a phone, without a network."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import chromium
from tests.harness.rows import FakeRun, steady
from vgate.harness.index import write_index
from vgate.harness.report import write_report
from vgate.harness.results import load_run

PHONE = {"width": 360, "height": 740}
BATCHES = ("passthrough", "lockstep", "time_window")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run of two axes, with a cell that is INVALID."""
    run = FakeRun(tmp_path_factory.mktemp("results") / "run", question="Does a question of many words fit a phone?")
    for number, batch in enumerate(BATCHES):
        for size in ("1", "8"):
            rows = steady(470 - 100 * number + int(size), ttft_ms=20 + 30 * number)
            run.add(rows, {"batch": batch, "batch.max_batch_size": size})
    run.add(steady(300), {"batch": "adaptive", "batch.max_batch_size": "8"}, cpu_share=0.99)
    made = write_report(load_run(run.path))
    write_index(run.path.parent)
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser, path: Path) -> Iterator[Page]:
    """The report on a phone; everything that it asks for and everything it complains of fails the test."""
    opened = browser.new_page(viewport=PHONE, device_scale_factor=2)
    asked: list[str] = []
    said: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda message: said.append(message.text))
    opened.goto(path.as_uri())
    yield opened
    opened.close()
    assert asked[:1] == [path.as_uri()]
    assert {url.partition("#")[0] for url in asked} == {path.as_uri()}
    assert said == []


def test_nothing_is_wider_than_a_phone(page: Page) -> None:
    """Wide tables scroll inside their own boxes."""
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    boxes = page.evaluate("[...document.querySelectorAll('.wide')].map(box => [box.scrollWidth, box.clientWidth])")
    assert any(inside > outside for inside, outside in boxes)
    figures = page.evaluate(
        "[...document.querySelectorAll('figure svg')].map(svg => svg.getBoundingClientRect().width)"
    )
    assert len(figures) == 8
    assert all(280 < width <= PHONE["width"] for width in figures)


def test_text_in_figures_can_be_read(page: Page) -> None:
    heights = page.evaluate(
        "[...document.querySelectorAll('figure text')].map(text => text.getBoundingClientRect().height)"
    )
    assert min(heights) >= 10


def test_the_verdict_is_on_the_first_screen(page: Page) -> None:
    box = page.locator(".headline").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < PHONE["height"]
    assert "batch=passthrough batch.max_batch_size=8 leads" in page.locator(".headline").inner_text()


def test_a_number_leads_to_its_rows(page: Page) -> None:
    """A click opens the section, shows the number again, and beside it the file and the expression."""
    page.locator("#numbers td a", has_text="471.00").first.click()
    row = page.locator("tr:target")
    assert row.is_visible()
    assert "471.00" in row.inner_text()
    assert page.locator("details[open] a", has_text="requests.parquet").first.is_visible()
    row.locator("a").click()
    assert page.locator("tr:target code").inner_text() == "goodput(rows, slo, window)"


def test_a_dark_page_is_dark_in_its_figures_too(browser: Browser, path: Path) -> None:
    colors = {}
    for scheme in ("light", "dark"):
        page = browser.new_page(viewport=PHONE, color_scheme=scheme)  # type: ignore[arg-type]
        page.goto(path.as_uri())
        paper = "getComputedStyle(document.body).backgroundColor"
        ink = "getComputedStyle(document.querySelector('figure text')).fill"
        colors[scheme] = page.evaluate(f"[{paper}, {ink}]")
        page.close()
    light, dark = ([_brightness(color) for color in colors[scheme]] for scheme in ("light", "dark"))
    assert light[0] - light[1] > 80
    assert dark[1] - dark[0] > 80


def test_it_prints(page: Page) -> None:
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_the_index_leads_to_the_report(browser: Browser, path: Path) -> None:
    page = browser.new_page(viewport=PHONE)
    page.goto((path.parent.parent / "index.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.locator("article a").first.click()
    assert page.title() == "V-Gate: run"
    page.close()


def test_every_link_leads_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    for target in set(re.findall(r' href="([^"]+)"', text)):
        if target.startswith("#"):
            assert target[1:] in ids
        else:
            assert (path.parent / unquote(target)).is_file()


def _brightness(color: str) -> float:
    return sum(float(part) for part in re.findall(r"[\d.]+", color)[:3]) / 3
