"""The load that a plan describes, as an object."""

from typing import Any

from hydra.utils import instantiate

from vgate.load.base import Load
from vgate.load.workload import Workload


def build_load(section: dict[str, Any]) -> Load:
    """From a resolved `load` section.

    Not in `vgate.build`, which assembles servers: importing that here would load a web framework into the load driver.
    """
    load: Load = instantiate({**section, "workload": None}, workload=Workload(**section["workload"]))
    return load
