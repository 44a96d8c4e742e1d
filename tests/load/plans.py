"""Every option of the groups `load` and `workload`, built from its file under `conf/`."""

from functools import cache
from typing import Any

from tests.load.settings import SAMPLES
from vgate.build import build_load, build_workload
from vgate.config import compose, tree
from vgate.load.base import Load
from vgate.workload.base import Workload

LOADS = tree.options("load")
WORKLOADS = tree.options("workload")
# Settings that have no good default.
NEEDED = {
    "load=trace": [f"load.path={SAMPLES / 'mooncake.jsonl'}"],
    "workload=trace": [f"workload.path={SAMPLES / 'mooncake.jsonl'}"],
    "workload=jsonl": [f"workload.path={SAMPLES / 'sharegpt.json'}"],
}


@cache
def _composed(choice: str) -> dict[str, Any]:
    return compose("bench", [choice, *NEEDED.get(choice, [])], {}).container


def load_section(option: str) -> dict[str, Any]:
    return dict(_composed(f"load={option}")["load"])


def workload_section(option: str) -> dict[str, Any]:
    return dict(_composed(f"workload={option}")["workload"])


def load(option: str, **changes: Any) -> Load:
    return build_load({**load_section(option), **changes})


def workload(option: str, **changes: Any) -> Workload:
    return build_workload({**workload_section(option), **changes})
