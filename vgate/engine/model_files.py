"""What a `model_id` may be: a folder, a folder inside an installed Python package, or a name on the model hub."""

import importlib.util
from pathlib import Path

from vgate.config.model_id import PACKAGE
from vgate.errors import EngineStartError


def locate(model_id: str, key: str) -> str:
    """What vLLM is told to load. Raises EngineStartError for what is not there; `key` is the setting's name.

    `package:<name>/<folder>` is a folder inside a package that pip has installed; the package is not imported.
    """
    if model_id.startswith(PACKAGE):
        return str(_in_package(model_id, key))
    # What looks like a folder is not looked for on the model hub, which takes long and ends in another error.
    path = Path(model_id).expanduser()
    is_folder = model_id.startswith(("/", ".", "~", "models/")) or Path(path.parts[0]).is_dir()
    if is_folder and not path.is_dir():
        raise EngineStartError(
            f"{key} = {model_id!r} is not a folder here; `python -m vgate.models.tiny` builds the tiny models"
        )
    return model_id


def _in_package(model_id: str, key: str) -> Path:
    package, _, folder = model_id.removeprefix(PACKAGE).partition("/")
    module = package.replace("-", "_")
    spec = importlib.util.find_spec(module) if module.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise EngineStartError(f"{key} = {model_id!r}: no such package is installed; pip install {package}")
    path = Path(next(iter(spec.submodule_search_locations)), folder)
    if not path.is_dir():
        raise EngineStartError(f"{key} = {model_id!r}: the package {package} has no folder {folder!r}")
    return path
