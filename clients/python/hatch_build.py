"""Puts the client's code, which is that of the gateway's repository, into this package when it is built.

Both this package and `vgate`, the whole gateway, are imported as `vgate`, and both may be installed: a program that
depends on `vgate-client` may run where the gateway does. Two packages that write the same files would break each other
when one of them is upgraded or removed. So this one keeps its `vgate` in a folder of its own, `vgate_client/`, which
`vgate-client.pth`, one line with that name and no code, puts at the end of Python's search path: where the gateway is
installed too, Python finds that one first, which has the same client in it, and each may go without the other.

A split, with `vgate` depending on `vgate-client` for two of its files, would do as well once both are published; but
then a clone of the repository could not be installed by pip on its own, and an editable one would be hidden by the
client in site-packages.
"""

# ruff: noqa: INP001 - hatchling reads this file by its path

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = ("__init__.py", "py.typed", "client")


class CustomBuildHook(BuildHookInterface[Any]):
    """Called by hatchling for each wheel and each sdist."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to take: from the clone, or from the sdist where this is built from one."""
        if version == "editable":
            return  # the clone itself is put on the search path
        here = Path(self.root)
        source = here / "vgate" if (here / "vgate").is_dir() else here.parents[1] / "vgate"
        folder = "vgate" if self.target_name == "sdist" else "vgate_client/vgate"
        for name in SOURCES:
            build_data["force_include"][str(source / name)] = f"{folder}/{name}"
