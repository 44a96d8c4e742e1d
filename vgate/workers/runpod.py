"""RunPod pods as workers: `python -m vgate.workers.runpod list|start|stop`.

Writes the file that `engine.workers_file` reads. It has been tested against a stand-in that answers as RunPod's
documentation says, and has never spoken to RunPod itself.
What pods cost: see README.md beside this file.
"""

import argparse
import os
import re
import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from vgate.config.elsewhere import from_environment, from_file
from vgate.workers.runpod_api import API, Pod, Runpod, RunpodError

KEY_VARIABLE = "RUNPOD_API_KEY"
_HEAD = "# Written by python -m vgate.workers.runpod, which replaces the whole file.\n"
_POD_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done, 1 RunPod or the file system would not, 2 a wrong argument."""
    args = _parser().parse_args(arguments)
    try:
        with Runpod(_key(args.api_key_file), args.api) as runpod:
            return _COMMANDS[args.command](runpod, args)
    except (RunpodError, ValueError, OSError) as error:
        sys.stderr.write(f"runpod: {error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m vgate.workers.runpod", description="RunPod pods as workers.")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--write", type=Path, metavar="FILE", help="write the running pods there: engine.workers_file")
    shared.add_argument("--port", type=int, default=8000, help="the port that the server listens on in the pod")
    shared.add_argument("--prefix", default="", help="only pods whose names begin so are workers")
    shared.add_argument("--worker-key-env", metavar="NAME", help="the gateway's variable with the pods' own API key")
    shared.add_argument("--worker-key-file", metavar="FILE", help="or the file that has it")
    shared.add_argument("--api-key-file", metavar="FILE", help=f"RunPod's key; else the variable {KEY_VARIABLE}")
    shared.add_argument("--api", default=API, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", parents=[shared], help="all pods, what they cost, and where they are reached")
    start = commands.add_parser("start", parents=[shared], help="start pods that exist; from then on they cost")
    stop = commands.add_parser("stop", parents=[shared], help="stop pods; their volumes stay, and cost")
    stop.add_argument("--drain-s", type=float, default=30.0, help="wait so long between the file and the stop")
    for command in (start, stop):
        command.add_argument("pods", nargs="+", metavar="POD", help="ids, as list shows them", type=_pod_id)
    return parser


def _pod_id(text: str) -> str:
    if not _POD_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text[:64]!r} is no id of a pod")
    return text


def _key(path: str | None) -> str:
    """RunPod's API key. Raises ValueError, without it."""
    key = from_environment(KEY_VARIABLE) if path is None else from_file(path)
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise ValueError("the API key must be printable ASCII without spaces")
    return key


def _list(runpod: Runpod, args: argparse.Namespace) -> int:
    pods = runpod.pods()
    for pod in pods:
        _say(described(pod, args.port))
    _say(bill(pods))
    _write(args, pods, leaving=())
    return 0


def _start(runpod: Runpod, args: argparse.Namespace) -> int:
    for pod_id in args.pods:
        runpod.start(pod_id)
        _say(f"{pod_id} started: it costs from now on, and answers when its model is loaded")
    pods = runpod.pods()
    _say(bill(pods))
    _write(args, pods, leaving=())
    return 0


def _stop(runpod: Runpod, args: argparse.Namespace) -> int:
    """First out of the file, so that the gateway sends them nothing new, then stopped."""
    if args.write is not None:
        _write(args, runpod.pods(), leaving=args.pods)
        time.sleep(max(args.drain_s, 0.0))
    for pod_id in args.pods:
        runpod.stop(pod_id)
        _say(f"{pod_id} stopped: its GPU costs nothing now, its volume does until the pod is deleted")
    _say(bill(runpod.pods()))
    return 0


_COMMANDS = {"list": _list, "start": _start, "stop": _stop}


def described(pod: Pod, port: int) -> str:
    """A pod in one line."""
    cost = "cost not told" if pod.cost is None else f"${pod.cost:.2f}/h"
    disk = f"{pod.volume_gb} GB volume" if pod.volume_gb else "no volume"
    disk += " and a network volume" if pod.network_volume else ""
    where = (pod.url(port) or f"port {port} is not exposed") if pod.running else ""
    return "  ".join(part for part in (pod.id, pod.name, pod.status, pod.gpu, cost, disk, where) if part)


def bill(pods: Sequence[Pod]) -> str:
    """What is running costs, in one line; storage is not in RunPod's hourly price."""
    running = [pod for pod in pods if pod.running]
    known = sum((pod.cost for pod in running if pod.cost is not None), Decimal(0))
    more = "" if all(pod.cost is not None for pod in running) else ", and more that RunPod does not tell"
    stored = sum(pod.volume_gb for pod in pods if not pod.running)
    disks = f"; {stored} GB of volumes of stopped pods cost too" if stored else ""
    return f"{len(running)} of {len(pods)} running: ${known:.2f} an hour, ${known * 24:.2f} a day{more}{disks}"


def worker_list(pods: Sequence[Pod], args: argparse.Namespace) -> list[dict[str, Any]]:
    """The running pods that serve, as `engine.workers_file` wants them. Keys are named, not written."""
    access = {"key_env": args.worker_key_env, "key_file": args.worker_key_file}
    named = {name: value for name, value in access.items() if value is not None}
    return [
        {"url": url, "name": f"runpod-{pod.id}", **named}
        for pod in pods
        if pod.running and pod.name.startswith(args.prefix) and (url := pod.url(args.port))
    ]


def _write(args: argparse.Namespace, pods: Sequence[Pod], leaving: Sequence[str]) -> None:
    """All at once: a gateway that reads meanwhile sees the old file or the new one."""
    if args.write is None:
        return
    found = worker_list([pod for pod in pods if pod.id not in leaving], args)
    target: Path = args.write
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    beside.write_text(_HEAD + yaml.safe_dump(found, sort_keys=False), encoding="utf-8")
    beside.replace(target)
    _say(f"{target}: {len(found)} workers")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
