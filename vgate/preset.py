"""A run's winner as a preset: `python -m vgate.preset results/<run> NAME` writes conf/preset/NAME.yaml."""

import argparse
import sys

from vgate.config import cli
from vgate.config.errors import ConfigError
from vgate.harness.preset import Refused, winner, write_preset
from vgate.harness.results import NoResults, load_run


def main() -> int:
    """Exit codes: 0 written, 1 refused, 2 a wrong argument."""
    parser = argparse.ArgumentParser(
        prog="python -m vgate.preset",
        description="Write the winner of a run as conf/preset/NAME.yaml, below the folder in which this is run."
        " `python -m vgate.serve +preset=NAME`, run there too, builds the identical gateway.",
    )
    parser.add_argument("run", help="a run's folder, results/<run>")
    parser.add_argument("name", help="the preset's name")
    parser.add_argument("--configuration", metavar="AXES", help="not the winner but this, as the run's table calls it")
    cli.one_line_errors(parser)
    args = parser.parse_args()
    try:
        run = load_run(args.run)
        path = write_preset(run, winner(run, args.configuration), args.name)
    except NoResults as error:
        raise ConfigError(str(error)) from None
    except Refused as error:
        print(f"vgate: no preset: {error}", file=sys.stderr)
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    cli.run(main)
