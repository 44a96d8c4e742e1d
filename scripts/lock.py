"""Writes constraints.txt: one pinned version of every package of .venv (`make lock`).

uv resolves for all platforms and Pythons at once and marks what only some of them need. What no
Linux machine needs (CUDA for other architectures, packages for Windows) is dropped here, so the
rest has one version per name and no condition.
"""

import itertools
import os
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
EXTRAS = ("server", "bench", "cpu", "ray", "dev")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MACHINES = ("x86_64", "aarch64")
HEADER = """\
# The versions that scripts/setup.sh installs (extras server, bench, cpu, ray and dev) on Linux with
# Python 3.11 to 3.14. Written by `make lock`; do not edit.
# Without hashes: torch's CPU wheels come from PyTorch's index or from a folder, never from the
# registry, so the hashes of all its wheels are not known where this file is made, and those of the
# other packages would make it sixty times as long.
"""


def torch_source() -> list[str]:
    """Where uv finds the CPU build of torch: pip's find-links folders, else PyTorch's CPU index."""
    links = os.environ.get("PIP_FIND_LINKS", "")
    if not links:
        command = [sys.executable, "-m", "pip", "config", "get", "global.find-links"]
        links = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return [f"--find-links={folder}" for folder in links.split()] or ["--torch-backend=cpu"]


def resolve(*options: str) -> list[Requirement]:
    """What uv resolves under these options, with its conditions."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet", "--upgrade"]
    command += ["--override", "scripts/no-cuda.txt", "--no-annotate", "--no-header", *options]
    command += [f"--extra={extra}" for extra in EXTRAS] + torch_source()
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)  # uv has said why
    return [Requirement(line) for line in done.stdout.splitlines()]


def needed(requirement: Requirement) -> bool:
    """Whether any supported machine installs it."""
    if requirement.marker is None:
        return True
    linux = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    return any(
        requirement.marker.evaluate(
            linux | {"platform_machine": machine, "python_version": python, "python_full_version": f"{python}.9"}
        )
        for machine, python in itertools.product(MACHINES, PYTHONS)
    )


def write(pins: list[Requirement]) -> None:
    """Writes the file; refuses two versions of one package."""
    names = [pin.name for pin in pins]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        sys.exit(f"lock: more than one version of {', '.join(sorted(twice))}")
    lines = [f"{pin.name}{pin.specifier}\n" for pin in sorted(pins, key=lambda pin: pin.name)]
    (ROOT / "constraints.txt").write_text(HEADER + "".join(lines))


def main() -> None:
    """Resolves for all machines, then for this one with those versions.

    The second pass finds what the first cannot: uv reads what a package needs from one of its
    wheels, and the wheels for Linux may need more (those of intel-openmp do).
    """
    everywhere = resolve("--universal", "--python-version", PYTHONS[0], "--fork-strategy", "fewest")
    pins = [requirement for requirement in everywhere if needed(requirement)]
    write(pins)
    known = {pin.name for pin in pins}
    here = resolve("--constraint", "constraints.txt")
    write(pins + [pin for pin in here if pin.name not in known and needed(pin)])


if __name__ == "__main__":
    main()
