"""Figures draw what was measured, and nothing that is refused."""

import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.harness.rows import FakeRun, steady
from vgate.harness.configurations import Configuration, configurations
from vgate.harness.figures.bars import bars
from vgate.harness.figures.cdfs import cdfs
from vgate.harness.figures.pareto import pareto, pareto_front
from vgate.harness.figures.percentiles import percentiles
from vgate.harness.figures.theme import Picture, spread
from vgate.harness.figures.timeline import timelines
from vgate.harness.metrics.ttft import ttft_ms
from vgate.harness.results import load_run

METRIC, WORDS = "goodput_per_s", "TTFT, ms from the intended time"


@pytest.fixture
def found(tmp_path: Path) -> list[Configuration]:
    run = FakeRun(tmp_path / "run")
    run.add(steady(500, ttft_ms=50), {"batch": "passthrough"})
    run.add(steady(300, ttft_ms=20), {"batch": "lockstep"})
    run.add(steady(200, ttft_ms=90), {"batch": "<time> & window"})
    run.add(steady(900), {"batch": "adaptive"}, cpu_share=0.99)
    return configurations(load_run(run.path), METRIC)


def texts(picture: Picture | None) -> list[str]:
    assert picture is not None
    return [text for element in ET.fromstring(picture.svg).iter() if (text := (element.text or "").strip())]  # noqa: S314


def test_bars_best_first_and_invalid_ones_not(found: list[Configuration]) -> None:
    shown = texts(bars(found, METRIC, "Goodput"))
    first, second, third = (shown.index(f"batch={one}") for one in ("passthrough", "lockstep", "<time> & window"))
    assert first < second < third
    assert not any("adaptive" in text for text in shown)


def test_a_refused_percentile_is_not_drawn(found: list[Configuration]) -> None:
    picture = percentiles(found, "ttft_ms", WORDS)
    assert picture is not None
    assert "In 2 of 3 some are refused" in picture.note
    assert percentiles(found[3:], "ttft_ms", WORDS) is None


def test_the_front_is_those_that_nobody_beats(found: list[Configuration]) -> None:
    one, two, three, four = found
    points = [(50.0, 500.0, one), (20.0, 300.0, two), (90.0, 200.0, three), (20.0, 100.0, four)]
    assert pareto_front(points) == [(20.0, 300.0, two), (50.0, 500.0, one)]
    picture = pareto(found, "ttft_ms", WORDS)
    assert {"passthrough", "lockstep", "<time> & window"} <= set(texts(picture))
    assert picture is not None
    assert picture.note == "Labels: batch. Grey: 1 that another beats or equals in both."
    assert pareto(found[:1], "ttft_ms", WORDS) is None


def test_a_cdf_ends_where_the_sample_does(found: list[Configuration]) -> None:
    shown = texts(cdfs(found, ttft_ms, WORDS))
    assert "99 %" in shown
    assert "99.9 %" not in shown
    assert "99 %" not in texts(cdfs(found[2:3], ttft_ms, WORDS))
    assert cdfs(found[3:], ttft_ms, WORDS) is None


def test_timelines_show_the_best_few(found: list[Configuration]) -> None:
    shown = texts(timelines(found))
    assert "in flight" in shown
    assert "batch=passthrough" in shown


def test_colours_are_the_pages_and_ids_do_not_clash(found: list[Configuration]) -> None:
    pictures = [bars(found, METRIC, "Goodput"), pareto(found, "ttft_ms", WORDS), timelines(found)]
    svgs = [picture.svg for picture in pictures if picture is not None]
    for svg in svgs:
        assert set(re.findall(r"#[0-9a-f]{6}", svg)) == set(re.findall(r"var\(--\w+, (#[0-9a-f]{6})\)", svg))
        assert "font-family: " not in svg
    ids = [found for svg in svgs for found in set(re.findall(r' id="([^"]+)"', svg))]
    assert len(ids) == len(set(ids))


def test_the_same_rows_make_the_same_bytes(found: list[Configuration]) -> None:
    assert bars(found, METRIC, "Goodput") == bars(found, METRIC, "Goodput")


def test_a_notebook_shows_title_and_note() -> None:
    assert "<b>a &lt; b</b><br>note" in Picture("a < b", "note", "<svg/>")._repr_html_()


def test_labels_keep_their_distance_and_their_order() -> None:
    placed = spread([1.0, 1.1, 5.0, 1.05], gap=1.0)
    assert sorted(placed) == [placed[0], placed[3], placed[1], placed[2]]
    ordered = sorted(placed)
    assert min(after - before for before, after in pairwise(ordered)) >= 1.0 - 1e-9
