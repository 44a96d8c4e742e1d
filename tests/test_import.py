"""Importing vgate costs nothing, and every public name is there."""

from __future__ import annotations

import subprocess
import sys

import pytest

import vgate

HEAVY = {"torch", "vllm", "fastapi", "pandas", "httpx", "pydantic", "hydra", "locust", "prometheus_client", "ray"}


def modules_after(code: str) -> set[str]:
    """Names of the modules that `code` loads in a fresh interpreter."""
    program = f"import sys; before = set(sys.modules)\n{code}\nprint(*set(sys.modules) - before)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_import_vgate_loads_nothing_heavy() -> None:
    loaded = modules_after("import vgate")
    assert not {name.partition(".")[0] for name in loaded} & HEAVY
    assert {"vgate"} == {name for name in loaded if name.startswith("vgate")}
    assert len(loaded) < 10


def test_the_client_needs_nothing_of_the_server() -> None:
    loaded = {name.partition(".")[0] for name in modules_after("import vgate; vgate.Client")}
    assert "httpx" in loaded
    assert not loaded & (HEAVY - {"httpx"})


@pytest.mark.parametrize("name", vgate.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(vgate, name) is not None
    assert name in dir(vgate)


def test_public_names_are_sorted() -> None:
    assert sorted(vgate.__all__) == vgate.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'vgate' has no attribute 'Chatt'"):
        vgate.Chatt  # type: ignore[attr-defined]  # noqa: B018 - the look-up is the test


def test_the_version_is_that_of_the_installed_package() -> None:
    assert vgate.__version__[0].isdigit()
