"""What every program that measures into a run's folder does around it."""

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NoReturn

from vgate.config.errors import ConfigError, wrong
from vgate.harness.store import RunBusy, RunFolder


@contextmanager
def held(folder: RunFolder, fresh: bool = False, busy: int = 1, unwritable: int = 2) -> Iterator[None]:
    """Hold the folder for the block. SIGTERM ends it as Ctrl-C does; who stops it is told that the rest is kept.

    `fresh` throws earlier results away. SystemExit with `busy` where another bench holds the folder, with `unwritable`
    where it cannot be written.
    """
    signal.signal(signal.SIGTERM, _terminate)
    with ExitStack() as stack:
        try:
            stack.enter_context(folder.locked(fresh))
        except RunBusy as error:
            _end(str(error), busy)
        except ConfigError as error:
            _end(str(error), unwritable)
        except OSError as error:  # of what is in the folder already
            why = f"{error.strerror or error}; must be a folder that can be written to"
            _end(str(wrong("trial.results_dir", str(folder.path.parent), str(folder.path), why)), unwritable)
        try:
            yield
        except KeyboardInterrupt:
            kept = f"what is finished is kept in {folder.path}: the same command goes on there"
            print(f"\nstopped; {kept}", file=sys.stderr)
            raise


def _end(message: str, code: int) -> NoReturn:
    print(f"vgate: {message}", file=sys.stderr)
    raise SystemExit(code) from None


def _terminate(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
