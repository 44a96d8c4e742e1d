"""Errors at moments that no client can bring about at will."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.scripted import Scripted
from vgate.api.admin import build_admin
from vgate.api.asgi import Message, send_whole, start
from vgate.api.failures import errors_answered
from vgate.build import build_service
from vgate.config import get_config
from vgate.errors import NotReady
from vgate.record import Record


class Sent:
    """The server's side of a connection, which at one message is told to drop what it does."""

    def __init__(self, dropped_at: int) -> None:
        self.messages: list[Message] = []
        self._left = dropped_at

    async def __call__(self, message: Message) -> None:
        self._left -= 1
        if self._left == 0:
            raise asyncio.CancelledError
        self.messages.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)


def record(**fields: Any) -> Record:
    return Record("1", "/v1/chat/completions", "POST", 0.0, **fields)


async def test_S6_a_whole_answer_that_is_dropped_half_sent_is_not_filled_up_with_something_else() -> None:
    """Its length has been told: an error event would be taken for the answer, or break the server's own rules."""
    sent, one = Sent(dropped_at=2), record()
    async with errors_answered(sent, one):
        await send_whole(sent, one, b'{"choices": []}')
    assert [message["type"] for message in sent.messages] == ["http.response.start"]
    assert one.error == "The server is stopping."


async def test_S6_a_stream_that_is_dropped_ends_with_an_error_event() -> None:
    sent, one = Sent(dropped_at=2), record(stream=True)
    async with errors_answered(sent, one):
        await start(sent, one, 200, {})
        await sent({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
    assert b'"message":"The server is stopping."' in sent.body
    assert b"[DONE]" not in sent.body


@pytest.mark.real_time
async def test_an_engine_that_is_gone_has_nothing_to_forget_and_says_so() -> None:
    class Gone(Scripted):
        async def reset(self) -> None:
            raise NotReady("The model is not ready.")

    service = build_service(get_config("engine=dry_run"))
    service.engine = Gone()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(build_admin(service)), base_url="http://admin"
    ) as client:
        answer = await client.post("/reset")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_ready")
