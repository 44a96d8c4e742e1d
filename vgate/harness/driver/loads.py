"""The load that a plan describes, as an object."""

from typing import Any

from hydra.utils import instantiate

from vgate.load.base import Load
from vgate.load.workload import Workload


def build_load(section: dict[str, Any]) -> Load:
    """From a resolved `load` section.

    Not in `vgate.build`, which assembles servers: importing that here would load a web framework into the load driver.
    """
    arrivals = {key: value for key, value in section.items() if key != "workload"}
    load: Load = instantiate(arrivals, _partial_=True)(workload=Workload(**section["workload"]))
    return load
