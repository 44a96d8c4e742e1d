"""A run's report: `python -m vgate.report results/<run>` writes report.html, summary.csv and prints the verdict.

Of a capacity search or a search for settings the report is its own answer, and what that rests on.

`--import FILE` makes a run of another tool's result file first; `--index` lists all runs of a results folder.
"""

import argparse
import sys
from pathlib import Path

from vgate.config import cli
from vgate.config.errors import ConfigError
from vgate.harness.imports import ImportFailed, import_file
from vgate.harness.index import update_index, write_index
from vgate.harness.layout import INDEX
from vgate.harness.report import write_report
from vgate.harness.results import NoResults, load_run
from vgate.harness.seek_report import sought, write_seek_report
from vgate.harness.summary import write_summary
from vgate.harness.verdict import judge

RESULTS = "results"


def main() -> int:
    """Exit codes: 0 all valid, or a search with its answer; 1 not so; 2 no run there, or a file that cannot be used."""
    parser = _parser()
    cli.one_line_errors(parser)
    arguments = parser.parse_args()
    if not (arguments.run or arguments.index or arguments.file):
        parser.error("say which run: a folder results/<run>")
    try:
        if arguments.index:
            print(write_index(arguments.run or RESULTS))
            return 0
        if arguments.file:
            return _report(import_file(Path(arguments.file), Path(arguments.run or RESULTS)))
        return _report(Path(arguments.run))
    except (NoResults, ImportFailed, ConfigError) as error:
        print(f"vgate: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m vgate.report",
        description="Report on a finished or unfinished run, or on another tool's results.",
    )
    parser.add_argument(
        "run", nargs="?", help="a run's folder, results/<run>; with --index or --import a results folder"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--index", action="store_true", help="only write index.html into a results folder")
    what.add_argument(
        "--import", dest="file", metavar="FILE", help="a result file of `vllm bench serve`, GuideLLM or AIPerf"
    )
    return parser


def _report(path: Path) -> int:
    run = load_run(path)
    write_summary(run)
    found = sought(run)
    print(found.words[0] if found else judge(run).headline)
    print(write_seek_report(run, found) if found else write_report(run))
    if (run.path.parent / INDEX).exists():
        update_index(run.path.parent)
    if found:
        return 0 if found.decided else 1
    return 1 if run.failed or any(result.invalid for result in run.results) else 0


if __name__ == "__main__":
    raise SystemExit(main())
