"""Is B better than A? `python -m vgate.compare 'batch=passthrough' 'batch=lockstep' +preset=cpu load=poisson`."""

import argparse
import json
import math
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from vgate.config import cli
from vgate.config.errors import ConfigError, wrong
from vgate.harness.held import held
from vgate.harness.store import RunFolder

if TYPE_CHECKING:
    from vgate.harness.comparing.court import Rules
    from vgate.harness.comparing.finding import Finding
    from vgate.harness.comparing.sides import Sides

SUMMARY = """Decide between two configurations.

A and B are settings in quotes, '' for none; the settings after them hold for both. They are measured in turn, with the
same requests, until B is surely better or worse by more than the margin, surely the same within it, or --max-rounds is
reached. A and B may also be folders of two finished runs (results/<run>, or results/<run>::<configuration>)."""
CODES = """Exit codes: 0 B is better or the same, 1 B is worse, 2 a wrong setting, 3 undecided, 4 nothing could be
measured, nothing could be written or another bench is at it, 130 stopped. So a CI job that compares '' with a change
fails unless B holds the line."""
NOT_MEASURED = 4


def main() -> int:
    """Exit codes: see CODES."""
    args = _arguments()
    if len(args.overrides) < 2:
        raise ConfigError(
            "A and B are needed: python -m vgate.compare 'batch=passthrough' 'batch=lockstep'; see --help"
        )
    a, b, *common = args.overrides
    try:
        finding = _runs(args, a, b, common) or _configurations(args, a, b, common)
    except ConfigError:
        raise
    except Exception:  # noqa: BLE001 -- whatever it is: Python's own exit code for it, 1, says that B is worse
        traceback.print_exc()
        return NOT_MEASURED
    if finding is None:
        return 0
    print(json.dumps(finding.document) if args.json else finding.text)
    return finding.exit_code


def _arguments() -> argparse.Namespace:
    parser = cli.parser("compare", SUMMARY)
    parser.epilog = f"{CODES}\n\n{parser.epilog}"
    parser.add_argument("--metric", help="a column of summary.csv, goodput, ttft_p50, e2e_p95, ...; default: goodput")
    parser.add_argument("--margin", default="2%", help="the smallest difference that matters; default 2%%")
    parser.add_argument("--max-rounds", type=int, default=12, help="of four measurements each; default 12")
    parser.add_argument("--json", action="store_true", help="the finding as one JSON document")
    parser.add_argument("--fresh", action="store_true", help="throw away what this comparison has measured before")
    args = cli.parse(parser)
    args.margin = _margin(args.margin)
    if args.max_rounds < 1:
        raise wrong("--max-rounds", args.max_rounds, "the command line", "must be at least 1")
    return args


def _margin(text: str) -> float:
    """ln(1 + d) of "2%" or "0.02"."""
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = math.nan
    if not 0 <= share < 1:
        raise wrong("--margin", text, "the command line", "must be a share from 0 to 1, such as 2% or 0.02")
    return math.log1p(share)


def _runs(args: argparse.Namespace, a: str, b: str, common: list[str]) -> "Finding | None":
    """Two finished runs; None where A and B are settings."""
    from vgate.harness.comparing.unpaired import is_run

    if not is_run(a) and not is_run(b):
        return None
    from vgate.harness.comparing.metric import metric_named
    from vgate.harness.comparing.unpaired import compare_runs, read_sample

    if common:
        raise ConfigError(f"{common[0]!r} (from the command line): finished runs take no settings")
    first, second = read_sample(a), read_sample(b)
    return compare_runs(first, second, metric_named(args.metric, first.results[0].config), args.margin)


def _configurations(args: argparse.Namespace, a: str, b: str, common: list[str]) -> "Finding | None":
    from vgate.harness.comparing.court import Rules
    from vgate.harness.comparing.metric import metric_named
    from vgate.harness.comparing.sides import read_sides

    sides = read_sides(a, b, common)
    metric = metric_named(args.metric, sides.a.container)
    if args.cfg:
        for name, cell in (("A", sides.a), ("B", sides.b)):
            cli.show(cell.container, [name])
        return None
    folder = RunFolder(Path(sides.a.settings.trial.results_dir) / sides.run_name)
    with held(folder, args.fresh, busy=NOT_MEASURED, unwritable=NOT_MEASURED):
        return _heard(sides, folder, Rules(metric, args.margin, args.max_rounds))


def _heard(sides: "Sides", folder: RunFolder, rules: "Rules") -> "Finding":
    # Only now: what measures takes seconds to load, and a wrong setting should not wait for it.
    from vgate.harness.comparing.session import hold

    finding = hold(sides, folder, rules)
    print(f"kept in {folder.path}", file=sys.stderr)
    return finding


if __name__ == "__main__":
    cli.run(main)
