"""What every program that measures into a run's folder does around it."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from vgate.harness.store import RunBusy, RunFolder


@contextmanager
def held(folder: RunFolder, fresh: bool = False, busy: int = 1) -> Iterator[None]:
    """Hold the folder for the block. SIGTERM ends it as Ctrl-C does; who stops it is told that the rest is kept.

    `fresh` throws earlier results away. SystemExit with `busy` where another bench holds the folder.
    """
    signal.signal(signal.SIGTERM, _terminate)
    try:
        with folder.locked(fresh):
            yield
    except RunBusy as error:
        print(f"vgate: {error}", file=sys.stderr)
        raise SystemExit(busy) from None
    except KeyboardInterrupt:
        print(f"\nstopped; what is finished is kept in {folder.path}: the same command goes on there", file=sys.stderr)
        raise


def _terminate(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
