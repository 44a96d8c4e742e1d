"""report.html: one file that needs nothing else, verdict first."""

from html import escape
from pathlib import Path
from string import Template
from typing import Any

import yaml

from vgate.harness import figures
from vgate.harness.files import write_text
from vgate.harness.layout import REPORT
from vgate.harness.results import Result, Run
from vgate.harness.table import COLUMNS, cells, name, problems
from vgate.harness.verdict import Verdict, judge

_PAGE = Path(__file__).with_name("page.html")


def write_report(run: Run) -> Path:
    """Write report.html into the run's folder and return its path."""
    path = run.path / REPORT
    write_text(path, report(run))
    return path


def report(run: Run) -> str:
    """The page."""
    verdict = judge(run)
    results = sorted(run.results, key=lambda result: (bool(result.invalid), -float(result.numbers[verdict.metric])))
    page = Template(_PAGE.read_text(encoding="utf-8"))
    return page.substitute(
        name=escape(run.manifest["name"]),
        question=escape(run.manifest["question"] or "Which configuration serves this load best?"),
        unfinished="" if run.manifest["finished"] else "<p class=bad>This run is not finished.</p>",
        headline=escape(verdict.headline),
        details="".join(f"<li>{escape(detail)}" for detail in verdict.details),
        table=_table(results),
        problems=_problems(run),
        figures="".join(f"<figure>{svg}</figure>" for svg in _figures(results, verdict) if svg),
        load=escape(_load(results[0]) if results else ""),
        sessions="".join(_session(session) for session in run.manifest["sessions"]),
        configs="".join(_config(result) for result in results),
    )


def _load(result: Result) -> str:
    """The sections that say what is asked and when."""
    sections = {name: result.config[name] for name in ("load", "workload") if name in result.config}
    return yaml.safe_dump(sections, sort_keys=False)


def _table(results: list[Result]) -> str:
    head = "".join(f"<th>{escape(heading)}" for heading, _ in COLUMNS.values())
    return f"<table><tr><th>configuration{head}{''.join(map(_line, results))}</table>"


def _line(result: Result) -> str:
    values = "".join(f"<td>{escape(text)}" for text in cells(result.numbers))
    mark = ' <span class="bad">INVALID</span>' if result.invalid else ""
    return f"<tr><th>{escape(name(result.about))}{mark}{values}"


def _problems(run: Run) -> str:
    lines = "".join(f"<li>{escape(line)}" for line in problems(run))
    return f"<h2>What went wrong</h2><ul>{lines}</ul>" if lines else ""


def _figures(results: list[Result], verdict: Verdict) -> list[str | None]:
    if not results:
        return []
    goodput = verdict.metric == "goodput_per_s"
    return [
        figures.bars(results, "goodput_per_s", "Goodput, requests/s that meet all targets") if goodput else None,
        figures.bars(results, "output_tokens_per_s", "Throughput, output tokens/s"),
        figures.percentiles(results, "ttft_ms", "TTFT, ms from the intended time"),
        figures.percentiles(results, "tpot_ms", "TPOT, ms per output token"),
    ]


def _session(session: dict[str, Any]) -> str:
    rows = "".join(f"<tr><th>{escape(key)}<td>{escape(_plain(value))}" for key, value in session.items())
    return f'<table class="facts">{rows}</table>'


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items())
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def _config(result: Result) -> str:
    text = escape(yaml.safe_dump(result.config, sort_keys=False))
    return f"<details><summary>{escape(name(result.about))}</summary><pre>{text}</pre></details>"
