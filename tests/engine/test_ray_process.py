"""Calls that are made in a process beside this one, with a stand-in for Ray's code."""

import asyncio
import sys
from pathlib import Path

import pytest

from vgate.engine import ray_process
from vgate.engine.ray_process import RayProcess
from vgate.errors import EngineStartError

pytestmark = pytest.mark.real_time

# Answers what it is asked; "wait" when stdin brings another line, "die" never, "hang" neither.
STAND = """
import json, os, sys, time
sections = json.loads(sys.stdin.readline())
for line in sys.stdin:
    number, call = json.loads(line)
    if call == "die": os._exit(1)
    if call == "hang": time.sleep(60)
    if call == "wait": time.sleep(0.2)
    kind = {"fail": "failed", "lose": "unknown"}.get(call, "done")
    print(json.dumps([number, kind, [call, sections]]), flush=True)
"""


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> RayProcess:
    monkeypatch.setattr(ray_process, "COMMAND", (sys.executable, "-c", STAND))
    return RayProcess({"address": "a:1"}, {})


async def test_an_answer_is_a_value_or_an_error(process: RayProcess) -> None:
    assert await process.ask("told") == ["told", {"ray": {"address": "a:1"}, "replica": {}, "folder": None}]
    with pytest.raises(EngineStartError):
        await process.ask("fail")
    with pytest.raises(OSError, match="lose"):
        await process.ask("lose")
    await process.end()
    await process.end()


async def test_an_answer_that_nobody_waits_for_any_more_is_not_taken_for_the_next_one(process: RayProcess) -> None:
    await process.ask("told")
    waiting = asyncio.create_task(process.ask("wait"))
    await asyncio.sleep(0.05)
    waiting.cancel()
    assert (await process.ask("told"))[0] == "told"
    await process.end()


async def test_a_process_that_has_ended_does_not_answer(process: RayProcess) -> None:
    for call in ("die", "told"):
        with pytest.raises(EngineStartError, match="has ended"):
            await process.ask(call)
    await process.end()


async def test_one_that_hangs_is_killed(process: RayProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_process, "_ENDING_S", 0.1)
    await process.ask("told")
    asking = asyncio.create_task(process.ask("hang"))
    await asyncio.sleep(0.05)
    await process.end()
    with pytest.raises(EngineStartError, match="has ended"):
        await asking


async def test_one_that_is_ended_while_it_starts_does_not_stay(process: RayProcess) -> None:
    asking = asyncio.create_task(process.ask("told"))
    await asyncio.sleep(0)
    await process.end()
    with pytest.raises(EngineStartError, match="has ended"):
        await asking


async def test_the_files_of_a_ray_of_its_own_are_this_users_and_go_with_it(process: RayProcess) -> None:
    own = RayProcess({"address": None}, {})
    folder = Path((await own.ask("told"))[1]["folder"]).parent
    assert folder.stat().st_mode & 0o777 == 0o700
    with pytest.raises(EngineStartError, match="has ended"):
        await own.ask("die")
    await own.end()
    assert not folder.exists()
