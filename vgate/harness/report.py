"""report.html: one file that needs nothing else, verdict first."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from vgate.harness.advice import advice
from vgate.harness.configurations import configurations
from vgate.harness.files import write_json, write_text
from vgate.harness.goodput_map import goodput_map
from vgate.harness.layout import REPORT, VERDICT
from vgate.harness.page.command import command
from vgate.harness.page.pictures import pictures
from vgate.harness.page.render import render
from vgate.harness.page.rows import detail, line, said
from vgate.harness.provenance import PRELUDE, expressions
from vgate.harness.results import Result, Run
from vgate.harness.standing import counts, standing
from vgate.harness.table import SERVICE, columns_of, problems
from vgate.harness.verdict import Verdict, judge

QUESTION = "Which configuration serves this load best?"


def write_report(run: Run) -> Path:
    """Write report.html and verdict.json into the run's folder; returns the path of the first."""
    verdict = judge(run)
    write_json(run.path / VERDICT, summary(run, verdict))
    write_text(run.path / REPORT, report(run))
    return run.path / REPORT


def summary(run: Run, verdict: Verdict) -> dict[str, Any]:
    """The verdict as data: what the index and other programs read."""
    return {
        "headline": verdict.headline,
        "winner": verdict.winner,
        "metric": verdict.metric,
        "details": verdict.details,
        "standing": standing(run, verdict),
        "groups": [
            {"asked": name, "headline": one.headline, "winner": one.winner} for name, one in verdict.groups.items()
        ],
        "next": [{"why": step.why, "do": step.do} for step in advice(run, verdict)],
        "measurements": counts(run),
        "problems": problems(run),
    }


def report(run: Run) -> str:
    """The page."""
    verdict = judge(run)
    found = configurations(run, verdict.metric)
    columns = list(found[0].results[0].estimates) if found else []
    return render(
        "page.html",
        run=run,
        question=run.manifest["question"] or QUESTION,
        verdict=verdict,
        standing=standing(run, verdict),
        steps=[(step, command(run, step.do)) for step in advice(run, verdict)],
        counts=counts(run),
        problems=problems(run),
        certificates=[asdict(each) | {"in words": each.words} for each in run.certificates],
        observed=_observed(run),
        said=[told for one in run.results for told in said(one)],
        service=columns_of(run) is SERVICE,
        headings=[heading for heading, _ in columns_of(run).values()],
        lines=[line(one, number, columns_of(run)) for number, one in enumerate(found)],
        map=goodput_map(found, verdict.metric),
        places={one.label: number for number, one in enumerate(found)},
        pictures=pictures(found, verdict, run),
        details=[detail(one, number, found[0], run) for number, one in enumerate(found)],
        expressions=expressions(columns),
        prelude=PRELUDE,
        load=_load(found[0].results[0]) if found else None,
    )


def _load(result: Result) -> dict[str, Any]:
    """The sections that say what is asked and when."""
    return {name: result.config[name] for name in ("load", "workload") if name in result.config}


def _observed(run: Run) -> list[str]:
    """What the bench asked of the servers while it measured them, a line each; empty for runs that do not tell."""
    told = [result.about["observed"] for result in run.results if "observed" in result.about]
    every = sorted({about["gauges_every_s"] for about in told})
    missed = sum(about["gauges_missed"] for about in told)
    lines = [
        "While it was measured, the server kept a record of each request, and its gauges were read every"
        f" {seconds:g} s: what that costs it is in all numbers here."
        for seconds in every
    ]
    return [*lines, f"{missed} reads of the gauges failed, and are missing there."] if missed else lines
