from pathlib import Path

from tests.harness.rows import FakeRun, steady
from vgate.harness.files import read_json, write_json
from vgate.harness.index import write_index
from vgate.harness.report import write_report
from vgate.harness.results import load_run


def run(results: Path, name: str, utc: str, **changes: object) -> Path:
    made = FakeRun(results / name)
    made.add(steady(500), {"batch": "passthrough"}, **changes)
    manifest = read_json(made.path / "manifest.json")
    manifest["sessions"][0] |= {"utc": utc, "git": {"commit": "0123456789abcdef", "changed": True}}
    write_json(made.path / "manifest.json", manifest)
    write_report(load_run(made.path))
    return made.path


def text(results: Path) -> str:
    return write_index(results).read_text(encoding="utf-8")


def test_newest_first_with_verdict_validity_date_and_commit(tmp_path: Path) -> None:
    run(tmp_path, "older", "2026-01-01T00:00:00+00:00", cpu_share=0.99)
    run(tmp_path, "newer", "2026-02-01T10:20:30+00:00")
    page = text(tmp_path)
    assert page.index('href="newer/report.html"') < page.index('href="older/report.html"')
    assert "batch=passthrough: 500.00 good requests/s." in page
    assert "No verdict: there is no valid measurement." in page
    assert "1 valid" in page
    assert "1 INVALID" in page
    assert "2026-02-01 10:20" in page
    assert "01234567, changed" in page


def test_a_run_without_a_report_says_how_to_get_one(tmp_path: Path) -> None:
    FakeRun(tmp_path / "bare")
    assert "python -m vgate.report bare writes one" in text(tmp_path)


def test_experiments_are_listed_with_their_files(tmp_path: Path) -> None:
    folder = tmp_path / "regret" / "virtual"
    folder.mkdir(parents=True)
    write_json(folder / "manifest.json", {"command": "python experiments/x.py", "utc": "2026-01-01T00:00:00+00:00"})
    (folder / "table.csv").write_text("a,b\n", encoding="utf-8")
    page = text(tmp_path)
    assert 'href="regret/virtual/table.csv"' in page
    assert "No run yet" in page


def test_names_are_text(tmp_path: Path) -> None:
    run(tmp_path, "a <b> & c", "2026-01-01T00:00:00+00:00")
    page = text(tmp_path)
    assert "a &lt;b&gt; &amp; c" in page
    assert 'href="a%20%3Cb%3E%20%26%20c/report.html"' in page


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "No run yet" in text(tmp_path)
