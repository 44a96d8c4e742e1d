"""A run measured again, from its folder: `python -m vgate.replay results/<run>`."""

import argparse
import sys

from vgate.config import cli
from vgate.config.errors import ConfigError
from vgate.harness.held import held
from vgate.harness.store import RunFolder


def main() -> int:
    """Exit codes: 0 the same requests at the same times, all valid; 1 not so; 2 a wrong argument; 130 stopped."""
    parser = argparse.ArgumentParser(
        prog="python -m vgate.replay",
        description="Measure a run's cells again, in their order, with the same requests at the same times, into"
        " results/<run>-replay. Says what of the circumstances has changed, and by how much the numbers differ.",
    )
    parser.add_argument("run", help="a run's folder, results/<run>")
    cli.one_line_errors(parser)
    args = parser.parse_args()
    # Only now: what measures takes seconds to load, and a wrong argument should not wait for it.
    from vgate.harness.replay import NotTheSame, folder_for, plan, replay
    from vgate.harness.results import NoResults, load_run

    try:
        run = load_run(args.run)
        planned, folder = plan(run), RunFolder(folder_for(run))
        with held(folder):
            made = replay(run, planned, folder, sys.argv[1:])
    except NoResults as error:
        raise ConfigError(str(error)) from None
    except NotTheSame as error:
        print(f"vgate: {error}", file=sys.stderr)
        return 1
    print(f"{made.text}\n{folder.path}")
    return 1 if made.problems else 0


if __name__ == "__main__":
    cli.run(main)
