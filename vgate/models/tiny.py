"""Builds two tiny Qwen2 models on this machine: ``python -m vgate.models.tiny [--out DIR] [--force]``.

``DIR/tiny`` holds bf16 weights, ``DIR/tiny_awq`` the same weights in 4-bit AWQ. Both come from a
fixed seed and are the same to the byte each time. They have every part of a real checkpoint
(tokenizer, chat template with tools, generation settings) and say nothing sensible.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

MODELS = ("tiny", "tiny_awq")
RECIPE_FILE = "recipe.json"
#: Outside vgate's own dependencies because only an engine needs them; every engine brings them.
NEEDED = ("torch", "safetensors", "tokenizers")


def recipe() -> str:
    """A hash of everything that decides the bytes of the models: the files of this package."""
    digest = hashlib.sha256()
    entries = [entry for entry in files("vgate.models").iterdir() if entry.is_file()]
    for entry in sorted(entries, key=lambda entry: entry.name):
        content = hashlib.sha256(entry.read_bytes()).hexdigest()
        digest.update(f"{entry.name} {content}\n".encode())
    return digest.hexdigest()


def ensure(name: str, out: Path, *, force: bool = False) -> bool:
    """Makes sure that ``out/name`` holds the current model; returns whether it had to be built.

    The folder appears whole or not at all. Raises OSError when `out` cannot be written.
    """
    target = out / name
    if not force and _recipe_of(target) == recipe():
        return False
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=f".{name}-") as scratch:
        fresh = Path(scratch, "fresh")
        fresh.mkdir()
        _build(name, fresh)
        if target.exists():
            target.rename(Path(scratch, "stale"))
        fresh.rename(target)
    return True


def _build(name: str, folder: Path) -> None:
    from vgate.models import checkpoint

    write = checkpoint.write_awq if name == "tiny_awq" else checkpoint.write_bf16
    write(folder)
    checkpoint.write_json(folder / RECIPE_FILE, {"recipe": recipe()})


def _recipe_of(folder: Path) -> object:
    try:
        return json.loads((folder / RECIPE_FILE).read_text(encoding="utf-8")).get("recipe")
    except (OSError, ValueError, AttributeError):
        return None  # no model there, or not one of ours: build it


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m vgate.models.tiny", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("models"), help="default: ./models")
    parser.add_argument("--force", action="store_true", help="build even what is up to date")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Builds what is missing or out of date; returns the exit status."""
    arguments = _arguments(argv)
    absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if absent:
        return _fail(f"needs {', '.join(absent)}: install an engine, vgate[cpu] or vgate[gpu]")
    for name in MODELS:
        try:
            built = ensure(name, arguments.out, force=arguments.force)
        except OSError as error:
            return _fail(f"cannot write to --out {arguments.out}: {error}")
        print(f"{arguments.out / name}: {'built' if built else 'up to date'}")
    return 0


def _fail(reason: str) -> int:
    print(f"vgate.models.tiny: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
