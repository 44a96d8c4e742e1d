"""The best settings for a load: `python -m vgate.search +preset=cpu batch=lockstep,adaptive load.users=16`."""

import json
from pathlib import Path

from vgate.config import cli
from vgate.config.errors import wrong
from vgate.harness.held import held
from vgate.harness.search.settings import Space, read_space
from vgate.harness.store import RunFolder

SUMMARY = "Search axes, spelt as for a sweep, for the most goodput, or for the most tokens/s with slo=none."


def main() -> int:
    """Exit codes: 0 confirmed, whoever won, 1 not, 2 a wrong setting, 130 stopped; what was measured is kept."""
    parser = cli.parser("search", SUMMARY)
    parser.add_argument("--json", action="store_true", help="print one JSON document in place of words")
    parser.add_argument("--fresh", action="store_true", help="throw away what this search has measured before")
    args = cli.parse(parser)
    space = read_space(args.overrides)
    if space.settings.trial.rounds != 1:
        raise wrong("trial.rounds", space.settings.trial.rounds, "the settings", "see search.confirm_rounds; must be 1")
    if args.cfg:
        cli.show(space.baseline.container | {"search": space.settings.search.model_dump()}, [])
        return 0
    folder = RunFolder(Path(space.settings.trial.results_dir) / space.run_name)
    with held(folder, args.fresh):
        return _search(space, folder, args.json)


def _search(space: Space, folder: RunFolder, as_json: bool) -> int:
    # Only now: what measures takes seconds to load, and a wrong setting should not wait for it.
    from vgate.harness.search.run import RESULT, run

    told = run(space, folder)
    if as_json:
        print(json.dumps(told.document))
    else:
        print("\n".join(["", *told.lines, str(folder.path / RESULT)]))
    return 0 if told.decided else 1


if __name__ == "__main__":
    cli.run(main)
