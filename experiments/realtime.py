"""A way to measure an instrument, and not the rest of what runs on a shared machine."""

from __future__ import annotations

import argparse
import os


def add_realtime(parser: argparse.ArgumentParser) -> None:
    """The option --realtime."""
    words = "run clients and servers before all ordinary work (SCHED_FIFO): in effect a quiet machine"
    parser.add_argument("--realtime", action="store_true", help=words)


def be_realtime(args: argparse.Namespace) -> None:
    """As the option says; processes that are started later inherit it."""
    if args.realtime:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        except PermissionError:
            raise SystemExit("--realtime: this user may not use SCHED_FIFO (CAP_SYS_NICE)") from None
