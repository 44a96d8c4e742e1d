"""In a server that `garbage_stalls.py` starts with this folder on PYTHONPATH: a line for each long search for garbage.

COLLECTIONS_LOG: the file; a line is when the search ended (CLOCK_MONOTONIC, s), the process, the generation and its ms.
COLLECTIONS_ALL: if set, `gc.freeze` does nothing in the server, so that searches go through all that was ever loaded;
in vLLM's engine process it does what vLLM has it do.
"""

import gc
import os
import sys
import time
from pathlib import Path
from typing import Any

_LONG_S = 0.05
_began = 0.0


def _tell(phase: str, info: dict[str, Any]) -> None:
    global _began  # noqa: PLW0603  a hook has no other place
    now = time.monotonic()
    if phase == "start":
        _began = now
    elif now - _began >= _LONG_S:
        with Path(os.environ["COLLECTIONS_LOG"]).open("a", encoding="utf-8") as log:
            log.write(f"{now:.3f} {os.getpid()} {info['generation']} {1e3 * (now - _began):.0f}\n")


if "COLLECTIONS_LOG" in os.environ:
    gc.callbacks.append(_tell)
    if "COLLECTIONS_ALL" in os.environ and "vgate.serve" in sys.orig_argv:
        gc.freeze = lambda: None
