"""`python -m vgate.harness.driver`: the load driver's process.

Reads lines of JSON from its input, {"plan": FILE, "api_key": KEY or null, "part": NUMBER}, and drives one plan after
the other; an empty input ends it. Each order is followed by {"start": CLOCK_MONOTONIC ns}, once the file `ready` has
appeared in the plan's folder. The outcome's file appears there when everything else is written.
"""

import gc
import json
import sys
from pathlib import Path

from locust.env import Environment

from vgate import open_files
from vgate.build import build_load, build_workload
from vgate.harness.connections import room
from vgate.harness.driver.book import Book
from vgate.harness.driver.session import Session
from vgate.harness.driver.team import Team
from vgate.harness.driver.users import Asker
from vgate.harness.driver.wire import Wire
from vgate.harness.layout import OUTCOME, RAW, part_of
from vgate.harness.plan import Plan


def main() -> None:
    """Drive what is ordered until the orders end."""
    open_files.raise_limit()
    _calm_collector()
    while line := sys.stdin.readline():
        order = json.loads(line)
        drive(Plan.load_from(Path(order["plan"])), order["part"], order["api_key"])
        gc.collect()


def drive(plan: Plan, part: int, api_key: str | None) -> None:
    """One trial's load, or this process's part of it, from its first request to its outcome's file."""
    out = Path(plan.out)
    team = Team(out, part, plan.drivers)
    load, workload = build_load(plan.load), build_workload(plan.workload)
    wire = Wire(plan.base_url, api_key, room(open_files.limit(), plan.drivers))
    wire.warm_up()
    asker = Asker(wire, workload, plan.model, plan.seed, plan.tag)
    environment = Environment(host=plan.base_url)
    with (out / part_of(RAW, part)).open("wb") as file:
        session = Session(plan, team, environment, asker, Book(environment, file))
        team.say_ready()
        outcome = session.run(load, json.loads(sys.stdin.readline())["start"])
    outcome.save(out / part_of(OUTCOME, part))


def _calm_collector() -> None:
    """A full garbage collection stops the process for milliseconds: keep it off what is already there, and rare."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


if __name__ == "__main__":
    main()
