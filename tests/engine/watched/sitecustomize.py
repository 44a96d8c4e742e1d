"""In a server that a test started with this folder on PYTHONPATH: SIGUSR1 searches for garbage and tells of it.

Into the file that GARBAGE_LOG names: how many objects are left out of such searches, and how many ms this one took.
"""

import gc
import os
import signal
import time
from pathlib import Path


def _search(_signal: int, _frame: object) -> None:
    began = time.monotonic()
    gc.collect()
    with Path(os.environ["GARBAGE_LOG"]).open("a", encoding="utf-8") as log:
        log.write(f"{gc.get_freeze_count()} {1e3 * (time.monotonic() - began):.1f}\n")


if "GARBAGE_LOG" in os.environ:
    signal.signal(signal.SIGUSR1, _search)
