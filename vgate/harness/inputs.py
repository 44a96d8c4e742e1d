"""Files that a load, a workload or an engine is made from: what they hold is part of what is measured."""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from vgate.engine.model_files import locate
from vgate.errors import EngineStartError
from vgate.harness.costs import leaves

PATHS = ("load.path", "workload.path", "workload.tokenizer")
# Section with a model's name -> section whose class says whether the model is read.
MODELS = {"model": "engine", "embedding": "embedding"}
# Of vLLM's own arguments, those that may name a file or a folder which decides what is computed.
EXTRA = ("tokenizer", "chat_template", "hf_config_path")
# Weights are told apart by their size, their beginning, which names all tensors, and blocks spread over the rest.
WHOLE, BLOCK, BLOCKS = 32 * 2**20, 64 * 2**10, 64


def input_digests(container: dict[str, Any]) -> dict[str, str]:
    """SHA-256 of each file or folder that a resolved configuration is made from, by key; empty where none is named.

    Models that are not in a folder on this machine are in `hub_commits`.
    """
    found = {}
    for key in PATHS:
        section, _, name = key.partition(".")
        value = container.get(section, {}).get(name)
        if value is not None:
            found[key] = _digest(_file(key, value))
    return found | {key: _digest_of_all(path) for key, path in _engine_inputs(container)}


def hub_commits(container: dict[str, Any]) -> dict[str, str]:
    """Model on the hub -> its commit in the cache on this machine; those are left out that are not there (yet)."""
    found = {}
    for section, key in _models(container):
        if _folder(section["model_id"], key) is None and (commit := _cached_commit(section)):
            found[section["model_id"]] = commit
    return found


def _file(key: str, value: str) -> Path:
    if key != "workload.tokenizer":
        return Path(value)
    from vgate.workload.tokenizer import find  # a library of its own

    return find(value)


def _models(container: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """The sections whose model vLLM loads, and their name."""
    for name, reader in MODELS.items():
        if ".vllm." in str(container.get(reader, {}).get("_target_")):
            yield container[name], name


def _engine_inputs(container: dict[str, Any]) -> Iterator[tuple[str, Path]]:
    for section, name in _models(container):
        if folder := _folder(section["model_id"], name):
            yield f"{name}.model_id", folder
        given = dict(leaves({MODELS[name]: container[MODELS[name]]}))
        for key in (f"{MODELS[name]}.extra_args.{argument}" for argument in EXTRA):
            if isinstance(given.get(key), str) and (path := Path(given[key]).expanduser()).exists():
                yield key, path


def _folder(model_id: str, key: str) -> Path | None:
    """None of a model on the hub, and of one that is not there: its server will say so."""
    try:
        path = Path(locate(model_id, key)).expanduser()
    except EngineStartError:
        return None
    return path if path.is_dir() else None


def _cached_commit(section: dict[str, Any]) -> str | None:
    try:
        from huggingface_hub import try_to_load_from_cache  # comes with the engine
        from huggingface_hub.errors import HFValidationError
    except ImportError:
        return None
    try:
        found = try_to_load_from_cache(section["model_id"], "config.json", revision=section["revision"])
    except HFValidationError:  # no name of the hub's
        return None
    return Path(found).parent.name if isinstance(found, str) else None


def _digest_of_all(path: Path) -> str:
    """Of a file, or of a folder's files and their names, hidden ones left out."""
    if path.is_file():
        return _digest(path)
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path)
        if file.is_file() and not any(part.startswith(".") for part in name.parts):
            digest.update(f"{name.as_posix()} {_digest(file)}\n".encode())
    return digest.hexdigest()


def _digest(path: Path) -> str:
    state = path.stat()
    return _digest_as_of(path.resolve(), state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=1024)
def _digest_as_of(path: Path, _changed_ns: int, size: int) -> str:
    """Read once as long as the file stays what it was. Of one that is larger than WHOLE, only parts."""
    with path.open("rb") as file:
        if size <= WHOLE:
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256(f"{size}\n".encode() + file.read(2**20))
        for number in range(BLOCKS + 1):
            file.seek((size - BLOCK) * number // BLOCKS)
            digest.update(file.read(BLOCK))
        return digest.hexdigest()
