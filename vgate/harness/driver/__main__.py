"""`python -m vgate.harness.driver`: the load driver's process.

Reads lines of JSON from its input, {"plan": FILE, "api_key": KEY or null}, and drives one plan after the other; an
empty input ends it. The outcome's file appears in the plan's folder when everything else there is written.
"""

import gc
import json
import sys
from pathlib import Path

from locust.env import Environment

from vgate.build import build_load, build_workload
from vgate.harness.driver.book import Book
from vgate.harness.driver.session import Session
from vgate.harness.driver.users import Asker
from vgate.harness.driver.wire import Wire
from vgate.harness.layout import OUTCOME, RAW
from vgate.harness.plan import Plan


def main() -> None:
    """Drive what is ordered until the orders end."""
    _calm_collector()
    for line in sys.stdin:
        order = json.loads(line)
        drive(Plan.load_from(Path(order["plan"])), order["api_key"])
        gc.collect()


def drive(plan: Plan, api_key: str | None) -> None:
    """One trial's load, from its first request to its outcome's file."""
    out = Path(plan.out)
    load, workload = build_load(plan.load), build_workload(plan.workload)
    asker = Asker(Wire(plan.base_url, api_key), workload, plan.model, plan.seed, plan.tag)
    environment = Environment(host=plan.base_url)
    with (out / RAW).open("wb") as file:
        outcome = Session(plan, environment, asker, Book(environment, file)).run(load)
    outcome.save(out / OUTCOME)


def _calm_collector() -> None:
    """A full garbage collection stops the process for milliseconds: keep it off what is already there, and rare."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


if __name__ == "__main__":
    main()
