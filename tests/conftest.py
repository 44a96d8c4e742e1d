"""Tests that are coroutines run in virtual time: they start at 0, and a sleep of an hour takes no time.

A coroutine that waits for something that can never happen ends with an error, not with a time-out. Tests that do real
I/O are ordinary functions, or coroutines marked `real_time`, which run in an event loop of the server's kind.
"""

import asyncio
import inspect
import os
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from tests import redis_server
from vgate import clock
from vgate.cache.base import Cache
from vgate.engine.base import Engine

Close = Callable[[], Awaitable[None]]
LONG = ("vllm", "slow")
ENGINE = re.compile(r"tests/engine/test_\w*vllm\w*\.py")

settings.register_profile("vgate", deadline=None, derandomize=True)
settings.load_profile("vgate")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that start vLLM first, see `ByFile`; others that run for a minute are spread evenly among the rest.

    Two processes share the files, in this order: few of the long ones meet, and none is left for the end.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    first = [path for path in files if ENGINE.search(str(path))]
    long = [
        path for path, tests in files.items() if any(test.get_closest_marker(mark) for test in tests for mark in LONG)
    ]
    spread = [path for path in files if path not in {*first, *long}]
    later = [path for path in long if path not in first]
    for number, path in enumerate(later):
        spread.insert((2 * number + 1) * len(files) // (2 * len(later)), path)
    items[:] = [test for path in first + spread for test in files[path]]


class ByFile(LoadScopeScheduling):
    """Each file's tests run in one process; those of vLLM's engine all in the same one, for they share a server."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return "vllm" if ENGINE.search(file) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    if pyfuncitem.get_closest_marker("real_time"):
        closing = [value.close for value in arguments.values() if isinstance(value, Cache)]
        closing += [value.stop for value in arguments.values() if isinstance(value, Engine)]
        with asyncio.Runner(loop_factory=clock.precise_loop) as runner:
            runner.run(_alone(pyfuncitem.obj(**arguments), 0, closing))
    else:
        clock.run(_alone(pyfuncitem.obj(**arguments), 60))
    return True


async def _alone(test: Coroutine[None, None, None], wait_s: float, closing: Sequence[Close] = ()) -> None:
    """Run a test to its end, and see that it leaves nothing running. What it was given is closed."""
    try:
        await test
    finally:
        for close in closing:
            await close()
    await asyncio.sleep(wait_s)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"still running: {left}"


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """No VGATE_* variables but those that the test sets."""
    for name in [name for name in os.environ if name.startswith("VGATE_")]:
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis that all tests share, each under a prefix of its own."""
    with redis_server.running() as server:
        yield server.url
