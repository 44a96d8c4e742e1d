"""The process in which Ray's own code runs: `python -m vgate.engine.ray_driver`, started by `ray_process`.

Ray ends the process that it is in, without a word, when its cluster has gone for a minute; it handles signals, prints,
and has threads that take their turns with everybody else's. A gateway wants none of that.

Reads lines of JSON, first the sections, then `[number, call]`; answers each call with `[number, kind, value]`.
"""

import contextlib
import json
import os
import secrets
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vgate.config.errors import one_line
from vgate.errors import EngineStartError

if TYPE_CHECKING:
    from vgate.engine.ray_cluster import Cluster

#: What came of a call: its value, an EngineStartError, or an OSError.
DONE, FAILED, UNKNOWN = "done", "failed", "unknown"


def answers(lines: Iterator[str]) -> Iterator[str]:
    """The answer to each line. When there are no more without `stop`, the gateway has died."""
    sections = json.loads(next(lines, "null"))
    if sections is None:
        return
    cluster, problem = None, ""
    try:
        cluster = _cluster(**sections)
    except ImportError as error:
        problem = f"engine=ray needs Ray ({error}): pip install 'vgate[ray]'"
    for line in lines:
        number, call = json.loads(line)
        answer = (FAILED, problem) if cluster is None else _answer(cluster, call)
        yield json.dumps([number, *answer])
    if cluster is not None:
        cluster.abandon()


def _cluster(ray: dict[str, Any], replica: dict[str, Any], folder: str | None) -> "Cluster":
    _prepare(own=ray["address"] is None)
    from vgate.engine.ray_cluster import Cluster

    return Cluster(ray, replica, folder)


def _prepare(*, own: bool) -> None:
    """Ray reads these as it is imported: nothing is reported to its makers, and Serve's log goes to its own files.

    Who may run code in a Ray that is started here is who knows a token; by itself Ray keeps one in the home folder.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_SERVE_LOG_TO_STDERR", "0")
    if own and not {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys():
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}


def _answer(cluster: "Cluster", call: str) -> tuple[str, Any]:
    if call == "stop":
        _hush()
    try:
        return DONE, getattr(cluster, call)()
    except EngineStartError as error:
        return FAILED, str(error)
    except Exception as error:  # noqa: BLE001  Ray raises what it likes
        return UNKNOWN, one_line(str(error))


def _hush() -> None:
    """As it ends, Ray tells of its own parts that they have gone, and that it will try for ever to call them."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)


def main() -> None:
    """Until stdin ends, and then at once."""
    _hear_no_signals()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what Ray prints is for the log
    for line in answers(iter(sys.stdin)):
        _hear_no_signals()
        with contextlib.suppress(BrokenPipeError):  # the gateway has died: stdin ends too
            print(line, file=out)
    os._exit(0)


def _hear_no_signals() -> None:
    """They go to the gateway, which says what is to be done; Ray takes SIGTERM for itself as it connects.

    Not SIG_IGN, which all processes that Ray starts would inherit.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)


if __name__ == "__main__":
    main()
