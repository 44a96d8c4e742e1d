"""Prompts and answers in the log: only where they are asked for, and then bounded."""

import logging
from typing import Any

import pytest

from tests.api.serving import serving
from tests.asgi import ask, chat
from vgate.api.prompts import LONGEST

SECRET = "the-secret-of-my-prompt"


def everything(caplog: pytest.LogCaptureFixture) -> str:
    return " ".join(f"{line.getMessage()} {vars(line)}" for line in caplog.records)


def exchanges(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(line) for line in caplog.records if line.message == "exchange"]


async def test_nothing_of_them_is_logged_unless_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving() as (_, app):
        said = [await ask(app, chat(SECRET, stream=stream)) for stream in (False, True)]
        await ask(app, {"messages": SECRET})
        await ask(app, chat(SECRET, max_tokens=10**9))
    assert all(reply.status == 200 for reply in said)
    assert SECRET not in everything(caplog)
    assert not exchanges(caplog)
    assert "prompts and answers are logged" not in everything(caplog)


@pytest.mark.parametrize("stream", [False, True])
async def test_asked_for_both_are_there_under_the_request_id(stream: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with serving("logging.prompts=true") as (_, app):
        await ask(app, chat(SECRET, stream=stream), headers={"X-Request-Id": "mine"})
        other = await ask(app, chat(SECRET))
    assert "prompts and answers are logged" in everything(caplog), "a warning at the start"
    first, second = exchanges(caplog)
    assert first["request_id"] == "mine"
    assert SECRET in first["prompt"]
    assert first["answer"] == second["answer"] != ""
    assert first["answer"] in other.body.decode()


async def test_they_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with serving("logging.prompts=true") as (_, app):
        await ask(app, chat("x" * 5000, max_tokens=480, stream=True))
    [line] = exchanges(caplog)
    assert (len(line["prompt"]), len(line["answer"])) == (LONGEST, LONGEST)


async def test_of_a_client_that_leaves_what_it_had(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with serving("logging.prompts=true") as (_, app):
        await ask(app, chat(SECRET, stream=True, max_tokens=500), leave_after_s=1.0)
    [line] = exchanges(caplog)
    assert line["answer"]
    assert next(vars(line)["status"] for line in caplog.records if line.message == "request done") == 499
