"""Files that are whole or not there."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

import yaml

# What a killed process may leave behind: hidden, and never taken for a file of the run.
SCRATCH = ".*.tmp"


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step: a crash leaves the old one or the new one, and of two writers one comes last."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with scratch.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """`write_text` of plain data as JSON."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def write_yaml(path: Path, content: Any) -> None:
    """`write_text` of plain data as YAML."""
    write_text(path, yaml.safe_dump(content, sort_keys=False))


def read_json(path: Path) -> Any:
    """What `write_json` wrote."""
    return json.loads(path.read_text(encoding="utf-8"))
