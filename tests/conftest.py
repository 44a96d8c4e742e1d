"""Tests that are coroutines run in virtual time: they start at 0, and a sleep of an hour takes no time.

A coroutine that waits for something that can never happen ends with an error, not with a time-out. Tests that do real
I/O are ordinary functions.
"""

import asyncio
import inspect
import os
from collections.abc import Coroutine, Iterator

import pytest
from hypothesis import settings

from vgate import clock

settings.register_profile("vgate", deadline=None, derandomize=True)
settings.load_profile("vgate")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    clock.run(_alone(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})))
    return True


async def _alone(test: Coroutine[None, None, None]) -> None:
    """Run a test to its end, and see that it leaves nothing running."""
    await test
    await asyncio.sleep(60)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"still running: {left}"


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """No VGATE_* variables but those that the test sets."""
    for name in [name for name in os.environ if name.startswith("VGATE_")]:
        monkeypatch.delenv(name)
    return monkeypatch
