from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from tests.harness.rows import MS, FakeRun, steady
from tests.harness.server_rows import frame, served
from vgate.harness.configurations import Configuration, configurations
from vgate.harness.figures.parts import PARTS, parts
from vgate.harness.figures.timeline import gauges, timelines
from vgate.harness.metrics.parts import PARTS as MEASURED
from vgate.harness.results import load_run

METRIC = "goodput_per_s"
TOKENS = {"completion_tokens": 11, "engine_tokens": 11}


@pytest.fixture
def found(tmp_path: Path) -> list[Configuration]:
    """A run whose server kept records: 2 ms of gateway, 8 of queue, 30 of prefill, 100 of decode, 10 of wire."""
    run = FakeRun(tmp_path / "run")
    rows = steady(20, ttft_ms=45.0).assign(prompt_tokens=4)
    moments = (4.01, 5.0, 13.0, 13.0, 43.0, 143.0, 144.0)
    server = frame(
        *(served(row.request_id, *(row.t_int / MS + at for at in moments), **TOKENS) for row in rows.itertuples())
    )
    times = [{"t": moment * MS, "waiting": moment // 100, "engine_running": 3} for moment in range(0, 1000, 10)]
    run.add(rows, {"batch": "passthrough"}, server=server, samples=times)
    run.add(steady(10, ttft_ms=45.0), {"batch": "lockstep"})
    return configurations(load_run(run.path), METRIC)


def test_the_parts_are_those_that_are_measured() -> None:
    assert set(PARTS) == set(MEASURED)


def test_parts_are_stacked_and_named(found: list[Configuration]) -> None:
    picture = parts(found)
    assert picture is not None
    texts = [element.text for element in ET.fromstring(picture.svg).iter() if element.text]  # noqa: S314
    assert {"100", "30", "batch_wait", "batch=passthrough"} <= set(texts)
    assert "batch=lockstep" not in texts
    assert "1 configurations left out" in picture.note


def test_without_records_there_is_no_figure(found: list[Configuration]) -> None:
    assert parts(found[1:]) is None


def test_gauges_are_drawn_where_the_server_tells(found: list[Configuration]) -> None:
    lines = {name: mean for name, mean, _ in gauges(found[0].valid[0])}
    assert lines.keys() == {"waiting in the gateway", "its batch"}
    assert np.nanmax(lines["waiting in the gateway"]) == 9
    picture = timelines(found)
    assert picture is not None
    assert "its batch" in picture.svg
    assert "ten times a second" in picture.note


def test_runs_without_gauges_show_who_is_in_flight(found: list[Configuration]) -> None:
    picture = timelines(found[1:])
    assert picture is not None
    assert "ten times a second" not in picture.note
    assert isinstance(found[1].valid[0].gauges, pd.DataFrame | None)
