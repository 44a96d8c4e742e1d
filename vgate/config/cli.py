"""What the command lines of all programs share: overrides, `--cfg job`, help, and how a wrong setting ends."""

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import yaml

from vgate.config import tree
from vgate.config.errors import ConfigError
from vgate.config.secrets import without_secrets


def parser(program: str, summary: str) -> argparse.ArgumentParser:
    """A parser for `python -m vgate.<program> [options] [key=value ...]`."""
    made = argparse.ArgumentParser(
        prog=f"python -m vgate.{program}",
        description=summary,
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "overrides", nargs="*", metavar="key=value", help="settings, strongest layer; +preset=NAME chooses a preset"
    )
    made.add_argument("--cfg", choices=["job"], help="print the resulting configuration and stop")
    return made


def parse(made: argparse.ArgumentParser) -> argparse.Namespace:
    """Options and overrides in any order; a wrong option ends with one line and exit code 2."""
    one_line_errors(made)
    return made.parse_intermixed_args()


def one_line_errors(made: argparse.ArgumentParser) -> None:
    """As of wrong settings."""
    made.error = lambda message: fail(ConfigError(f"{message}; see --help"))  # type: ignore[method-assign]


def fail(error: ConfigError) -> NoReturn:
    """One line on stderr, exit code 2."""
    print(f"vgate: {error}", file=sys.stderr)
    raise SystemExit(2)


def show(container: dict[str, Any], notes: list[str]) -> None:
    """The configuration as YAML, API keys blotted out; what has no effect, as comments."""
    comments = "".join(f"# {note}\n" for note in notes)
    say(comments + yaml.safe_dump(without_secrets(container), sort_keys=False))


def say(text: str) -> None:
    """On stdout, at once; what cannot be written there ends the program with one line and exit code 1."""
    try:
        print(text, end="", flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # at its end Python would try once more
        if not isinstance(error, BrokenPipeError):  # who reads no more has what he wanted
            print(f"vgate: standard output: {error.strerror}", file=sys.stderr)
        raise SystemExit(1) from None


def _epilog() -> str:
    rows = [f"  {group:<12}{', '.join(tree.options(group))}" for group in tree.groups()]
    layers = "Layers, weakest first: conf/, preset, YAML at VGATE_CONFIG_PATH, VGATE_<SECTION>__<KEY>, command line."
    return "Groups and their options:\n" + "\n".join(rows) + f"\n\n{layers}"


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a program's main; wrong settings end with exit code 2, Ctrl-C with 130."""
    try:
        code = main()
    except ConfigError as error:
        fail(error)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    raise SystemExit(code or 0)
