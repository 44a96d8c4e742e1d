"""The report says the same everywhere: terminal, CSV, page, exit code."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.harness.rows import FakeRun, steady
from vgate.harness.files import read_json, write_json
from vgate.harness.report import report
from vgate.harness.results import load_run
from vgate.report import main

FETCHES = re.compile(r"""(?:src|data|action|poster)\s*=|url\((?!#)|@import|<script|<link|<iframe""", re.IGNORECASE)


Report = Callable[[Path], tuple[int, str]]


@pytest.fixture
def run_report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Report:
    """`python -m vgate.report <path>`: its exit code and what it prints."""

    def call(path: Path) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["vgate.report", str(path)])
        code = main()
        return code, "".join(capsys.readouterr())

    return call


@pytest.fixture
def run(tmp_path: Path) -> FakeRun:
    made = FakeRun(tmp_path / "run", question="Is <lockstep> better?")
    made.add(steady(500), {"batch": "passthrough"})
    made.add(steady(100), {"batch": "lockstep"})
    return made


def test_the_command_writes_page_and_summary_and_says_the_verdict(run: FakeRun) -> None:
    command = [sys.executable, "-m", "vgate.report", str(run.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    headline, path = done.stdout.splitlines()
    assert headline.startswith("batch=passthrough leads in one run, which is no proof: 500.00 good requests/s")
    assert Path(path) == run.path / "report.html"
    assert (run.path / "summary.csv").read_text(encoding="utf-8").startswith("batch,round,requests,")


def test_the_verdict_stands_before_everything_else(run: FakeRun) -> None:
    page = report(load_run(run.path))
    body = page[page.index("<body>") :]
    assert body.index("batch=passthrough leads") < body.index("<table>") < body.index("<svg")


def test_the_page_fetches_nothing(run: FakeRun) -> None:
    page = report(load_run(run.path))
    assert re.findall(FETCHES, page) == []
    addresses = set(re.findall(r"https?://[^\"'\s<]+", page))
    assert {address.split("/")[2] for address in addresses} <= {"www.w3.org"}  # names of XML vocabularies


def test_the_page_is_made_for_phones(run: FakeRun) -> None:
    page = report(load_run(run.path))
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert page.count("<svg") == 8
    widths = [float(width) for width in re.findall(r'<svg role="img"[^>]* width="([0-9.]+)pt"', page)]
    assert all(width < 400 for width in widths)


def test_text_from_outside_is_text(run: FakeRun) -> None:
    page = report(load_run(run.path))
    assert "Is &lt;lockstep&gt; better?" in page
    assert "<lockstep>" not in page


def test_the_page_is_well_formed(run: FakeRun) -> None:
    class Depth(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.stack: list[str] = []
            self.optional = {"meta", "li", "th", "td", "tr", "br", "dt", "dd"}

        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in self.optional:
                self.stack.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if tag not in self.optional:
                assert self.stack.pop() == tag

        def handle_startendtag(self, tag: str, attrs: object) -> None:
            pass

    parser = Depth()
    parser.feed(report(load_run(run.path)))
    assert parser.stack == []


def test_invalid_is_said_everywhere(run: FakeRun, run_report: Report) -> None:
    """Terminal, CSV, page and exit code; the reason in words."""
    reason = "the client counted 3300 tokens, the server says it generated 7"
    run.add(steady(300), {"batch": "time_window"}, generated=7)
    assert run_report(run.path)[0] == 1
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert reason in page
    assert page.count("INVALID") > 2
    assert reason in (run.path / "summary.csv").read_text(encoding="utf-8")
    cells = json.loads((run.path / "summary.json").read_text(encoding="utf-8"))["cells"]
    assert [cell["invalid"] for cell in cells] == [[], [], [reason]]
    assert load_run(run.path).summary["invalid"].tolist() == ["", "", reason]


def test_what_could_not_be_checked_is_said(run: FakeRun) -> None:
    page = report(load_run(run.path))
    assert "What could not be checked" in page
    assert "Little&#39;s law: the run has no samples and records of the server&#39;s own (2 of 2 cells)" in page


def test_failures_are_said(run: FakeRun, run_report: Report) -> None:
    run.add_failure({"batch": "time_window"}, "the server ended with exit code 1")
    assert run_report(run.path)[0] == 1
    assert "FAILED: batch=time_window: the server ended" in (run.path / "report.html").read_text(encoding="utf-8")


def test_refused_percentiles_show_nowhere(tmp_path: Path, run_report: Report) -> None:
    """458 requests: no p99 in table, CSV or figure."""
    small = FakeRun(tmp_path / "small")
    small.add(steady(458, ttft_ms=50.0), {"batch": "passthrough"})
    run_report(small.path)
    page = (small.path / "report.html").read_text(encoding="utf-8")
    assert "n&lt;" in page[page.index("<table>") : page.index("</table>")]
    assert load_run(small.path).summary["ttft_ms_p99"].isna().all()
    csv = (small.path / "summary.csv").read_text(encoding="utf-8").splitlines()
    assert dict(zip(csv[0].split(","), csv[1].split(","), strict=True))["ttft_ms_p99"] == ""


def test_no_run_there(tmp_path: Path, run_report: Report) -> None:
    code, words = run_report(tmp_path)
    assert code == 2
    assert "no manifest.json there" in words
    assert len(words.splitlines()) == 1


@pytest.mark.parametrize(("text", "why"), [('{"name": "ru', "manifest.json: is cut off"), ("[]", "holds a list")])
def test_a_manifest_that_cannot_be_read(run: FakeRun, run_report: Report, text: str, why: str) -> None:
    (run.path / "manifest.json").write_text(text, encoding="utf-8")
    code, words = run_report(run.path)
    assert code == 2
    assert words.startswith(f"vgate: {run.path}/manifest.json")
    assert why in words
    assert len(words.splitlines()) == 1


def test_the_folder_in_which_one_is(run: FakeRun, run_report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.path)
    assert run_report(Path())[0] == 0


def test_a_capacity_search_is_reported_as_one(tmp_path: Path, run_report: Report) -> None:
    """Its rates are no configurations of which one would be best."""
    made = FakeRun(tmp_path / "run")
    for rate in ("10", "20"):
        made.add(steady(100), {"load.rate": rate})
    manifest = read_json(made.path / "manifest.json")
    manifest["sessions"][0] |= {"command": "python -m vgate.capacity slo=chat"}
    write_json(made.path / "manifest.json", manifest)
    answer = {"words": ["Capacity: 15 requests/s"], "rates": [], "windows": [], "exact_enough": True, "targets": "x"}
    write_json(made.path / "capacity.json", answer)
    assert run_report(made.path) == (0, f"Capacity: 15 requests/s\n{made.path / 'report.html'}\n")
    assert "best" not in (made.path / "report.html").read_text(encoding="utf-8").partition("<body>")[2]
