"""Each set of choices is composed by Hydra once for all tests here: it takes 0.2 s, and its result does not change."""

import copy
import sys
from typing import Any

import pytest

import vgate.config.compose  # noqa: F401 - the package has a function of this name

composing = sys.modules["vgate.config.compose"]
hydra = composing._hydra
known: dict[Any, Any] = {}


def composed_once(program: str, picks: dict[str, str]) -> Any:
    choice = (program, *sorted(picks.items()))
    if choice not in known:
        known[choice] = hydra(program, picks)
    return copy.deepcopy(known[choice])


@pytest.fixture(autouse=True)
def one_composition_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composing, "_hydra", composed_once)
