"""A run's report: `python -m vgate.report results/<run>` writes report.html, summary.csv and prints the verdict."""

import argparse
import sys

from vgate.harness.report import write_report
from vgate.harness.results import NoResults, load_run, write_summary
from vgate.harness.verdict import judge


def main() -> int:
    """Exit codes: 0 all cells valid, 1 some failed or INVALID, 2 no run there."""
    parser = argparse.ArgumentParser(
        prog="python -m vgate.report", description="Report on a finished or unfinished run."
    )
    parser.add_argument("run", help="a run's folder, results/<run>")
    try:
        run = load_run(parser.parse_args().run)
    except NoResults as error:
        print(f"vgate: {error}", file=sys.stderr)
        return 2
    write_summary(run)
    print(judge(run).headline)
    print(write_report(run))
    return 1 if run.failed or any(result.invalid for result in run.results) else 0


if __name__ == "__main__":
    raise SystemExit(main())
