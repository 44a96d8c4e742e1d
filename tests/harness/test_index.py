from pathlib import Path

import pytest

from tests.harness.rows import FakeRun, steady
from vgate.harness.files import read_json, write_json
from vgate.harness.index import NotOurs, update_index, write_index
from vgate.harness.report import write_report
from vgate.harness.results import load_run
from vgate.report import main


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


def test_only_what_lies_in_the_folder_itself_is_looked_at(tmp_path: Path) -> None:
    """Nor what another program calls a manifest."""
    run(tmp_path / "deep" / "deeper", "run", "2026-01-01T00:00:00+00:00")
    (tmp_path / "extension").mkdir()
    (tmp_path / "extension" / "manifest.json").write_text('{"manifest_version": 3}', encoding="utf-8")
    page = text(tmp_path)
    assert "No run yet" in page
    assert "extension" not in page
    assert "deeper" not in page


@pytest.mark.parametrize(
    "content", ['{"sess', '{"sessions": 3, "name": "x"}', "[1]", '{"command": "x", "utc": "2026", "git": 3}']
)
def test_a_manifest_that_cannot_be_read_is_left_out_and_said(tmp_path: Path, content: str) -> None:
    run(tmp_path, "good", "2026-01-01T00:00:00+00:00")
    FakeRun(tmp_path / "torn")
    (tmp_path / "torn" / "manifest.json").write_text(content, encoding="utf-8")
    page = text(tmp_path)
    assert "<li>torn/manifest.json: is " in page
    assert "batch=passthrough: 500.00 good requests/s." in page


@pytest.mark.parametrize("content", ['{"head', "[]", "{}", '{"headline": "x", "measurements": 3}'])
def test_a_verdict_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    made = run(tmp_path, "run", "2026-01-01T00:00:00+00:00")
    (made / "verdict.json").write_text(content, encoding="utf-8")
    assert "No report yet: python -m vgate.report run writes one." in text(tmp_path)


def test_an_index_that_another_program_wrote_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "index.html"
    page.write_text("<title>My pages</title>", encoding="utf-8")
    with pytest.raises(NotOurs, match="was not written by V-Gate, so it is left as it is"):
        write_index(tmp_path)
    update_index(tmp_path)
    assert capsys.readouterr().err.startswith(f"note: {page}: was not written by V-Gate")
    monkeypatch.setattr("sys.argv", ["vgate.report", "--index", str(tmp_path)])
    assert main() == 2
    assert page.read_text(encoding="utf-8") == "<title>My pages</title>"


def test_its_own_is_replaced_that_of_earlier_versions_too(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<title>V-Gate: results</title>", encoding="utf-8")
    first = text(tmp_path)
    assert "No run yet" in first
    assert "<!-- Written by V-Gate" in first
    run(tmp_path, "run", "2026-01-01T00:00:00+00:00")
    assert "1 runs" in text(tmp_path)
