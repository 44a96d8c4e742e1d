"""Tests that are coroutines run in virtual time: they start at 0, and a sleep of an hour takes no time.

A coroutine that waits for something that can never happen ends with an error, not with a time-out. Tests that do real
I/O are ordinary functions, or coroutines marked `real_time`, which run in an event loop of the server's kind.
"""

import asyncio
import gc
import inspect
import os
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from tests import redis_server
from vgate import clock
from vgate.cache.base import Cache
from vgate.engine.base import Engine

Close = Callable[[], Awaitable[None]]
TOGETHER = {
    "engines": re.compile(
        r"tests/(engine/test_(\w*vllm\w*|ray_live)|embedding/test_vllm|test_prefix_hits_workers)\.py"
    ),
    "measuring": re.compile(
        r"tests/(harness/test_(rig|sweep)|test_(bench\w*|capacity|compare|preset|refused|replay))\.py"
    ),
}

settings.register_profile("vgate", deadline=None, derandomize=True)
settings.load_profile("vgate")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts vLLM or Ray comes first, and what measures after half of the rest: see `ByFile`."""
    kinds: dict[str, list[pytest.Item]] = {"": [], **{kind: [] for kind in TOGETHER}}
    for item in items:
        kinds[kind_of(item.nodeid)].append(item)
    rest = kinds[""]
    half = next((place for place in range(len(rest) // 2, len(rest)) if rest[place].path != rest[place - 1].path), 0)
    items[:] = kinds["engines"] + rest[:half] + kinds["measuring"] + rest[half:]


def pytest_collection_finish() -> None:
    """All that is there now stays, and need not be looked through for garbage again and again."""
    gc.freeze()


def kind_of(nodeid: str) -> str:
    return next((kind for kind, files in TOGETHER.items() if files.match(nodeid)), "")


class ByFile(LoadScopeScheduling):
    """Two processes share the tests, file by file; those of a kind all run in one, and the kinds do not meet.

    Engines fill the machine, and so would make what a bench measures beside them invalid; those of vLLM share a server.
    """

    def _split_scope(self, nodeid: str) -> str:
        return kind_of(nodeid) or nodeid.split("::", 1)[0]


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
