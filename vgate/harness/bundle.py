"""What a run's folder holds of how it was measured, made into cells again."""

from typing import Any

from vgate.config.bench_schema import BenchSettings
from vgate.config.check import validate
from vgate.config.errors import wrong
from vgate.config.key_sources import SOURCES
from vgate.config.secrets import BLOT
from vgate.harness.cells import Cell
from vgate.harness.results import Result, Run

KEYS = "security.api_keys"


def cells_of(run: Run) -> list[Cell]:
    """The finished cells of a run in the order in which they were measured; ConfigError if one cannot be made again.

    API keys are not kept in a run, so its server gets others: which they are makes no difference to a measurement.
    """
    if run.imported:
        why = f"was imported from {run.imported['tool']}, which does not keep how it was measured"
        raise wrong("run", str(run.path), "the command line", why)
    return [_cell(result) for result in run.results]


def with_keys(container: dict[str, Any]) -> dict[str, Any]:
    """A kept configuration with a key of its own in place of each that was blotted out."""
    keys = container.get("security", {}).get("api_keys")
    if not keys:
        return container
    sources = dict.fromkeys(SOURCES)
    filled = [{**key, **sources, "key": f"{BLOT}{number}"} for number, key in enumerate(keys)]
    return {**container, "security": {**container["security"], "api_keys": filled}}


def _cell(result: Result) -> Cell:
    container, about = with_keys(result.config), result.about
    for name, value in _leaves(container):
        if name != KEYS and BLOT in str(value):
            why = "what is secret in it is not kept in a run, so it cannot be made again"
            raise wrong(name, value, str(result.folder), why)
    settings = validate("bench", container, {}, str(result.folder))
    assert isinstance(settings, BenchSettings)  # what validate gives for "bench"
    return Cell(about["axes"], container, settings, about["round"], about.get("side", ""))


def _leaves(container: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in container.items():
        found += _leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", value)]
    return found
