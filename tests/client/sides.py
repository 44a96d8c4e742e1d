"""The same calls by this client and by the official one, blocking or not, in one form."""

import asyncio
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import openai
import openai._base_client as their_inside
import pytest

from tests.servers import Server
from vgate import client as sdk

Plain = dict[str, Any]
# What this client calls what the other one raises.
NAMES = {
    "BadRequestError": "BadRequestError",
    "AuthenticationError": "AuthenticationError",
    "PermissionDeniedError": "AuthenticationError",
    "NotFoundError": "NotFoundError",
    "RateLimitError": "RateLimitError",
    "InternalServerError": "ServerError",
    "APIConnectionError": "ConnectionError_",
    "APITimeoutError": "Timeout",
    "APIError": "StreamError",
}


class Side:
    """One client. `waits` are the pauses that it made before it asked again; none of them took time."""

    def __init__(
        self, name: str, calls: dict[str, Callable[..., Any]], runner: asyncio.Runner, waits: list[float]
    ) -> None:
        self.name = name
        self.waits = waits
        self._calls = calls
        self._runner = runner

    def ask(self, what: str, **fields: Any) -> Plain:
        """The JSON of a whole answer, without what differs from answer to answer."""
        return _plain(self._result(self._calls[what](**fields)))

    def stream(self, what: str, most: int = 1_000_000, **fields: Any) -> list[Plain]:
        """The JSON of the first `most` chunks; then the client leaves."""
        return [_plain(chunk) for chunk in self._chunks(self._result(self._calls[what](**fields, stream=True)), most)]

    def fails(self, call: Callable[..., Any], *arguments: Any, **fields: Any) -> Plain:
        """What is raised, in this client's words."""
        with pytest.raises((sdk.VGateError, openai.OpenAIError)) as caught:
            call(*arguments, **fields)
        error: Any = caught.value
        if isinstance(error, sdk.APIError):
            return _told(type(error).__name__, error.status, error.message, error.request_id, error.retry_after)
        if isinstance(error, openai.APIStatusError):
            message, after = error.body["message"], error.response.headers.get("retry-after")  # type: ignore[index, call-overload]
            told = error.status_code, message, error.request_id, None if after is None else float(after)
            return _told(NAMES[type(error).__name__], *told)
        return {"kind": NAMES.get(type(error).__name__, type(error).__name__)}

    def _result(self, result: Any) -> Any:
        return self._runner.run(_whole(result)) if hasattr(result, "__await__") else result

    def _chunks(self, chunks: Any, most: int) -> list[Any]:
        if hasattr(chunks, "__anext__"):
            return self._runner.run(_first(chunks, most))
        with chunks:
            return [chunk for _, chunk in zip(range(most), chunks, strict=False)]


async def _whole(result: Any) -> Any:
    return await result


async def _first(chunks: Any, most: int) -> list[Any]:
    async with chunks:
        found = []
        async for chunk in chunks:
            found.append(chunk)
            if len(found) == most:
                break
        return found


def _plain(answer: Any) -> Plain:
    raw: Plain = dict(answer.raw if hasattr(answer, "raw") else answer.to_dict(warnings=False))
    return {name: value for name, value in raw.items() if name not in {"id", "created"}}


def _told(kind: str, status: int, message: str, request_id: str | None, retry_after: float | None) -> Plain:
    asked = None if retry_after is None else retry_after >= 1
    return {"kind": kind, "status": status, "message": message, "has_id": bool(request_id), "retry_after": asked}


def _methods(client: Any, chat: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    embed, models = client.embeddings.create, client.models.list
    return {"chat": chat, "completions": client.completions.create, "embeddings": embed, "models": models}


@contextmanager
def ours(mode: str, url: str, key: str, timeout: float, retries: int) -> Iterator[Side]:
    """This project's client."""
    policy, waits = sdk.RetryPolicy(max_retries=retries), list[float]()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    with asyncio.Runner() as runner:
        if mode == "blocking":
            with sdk.Client(url, key, timeout=timeout, retry=policy, sleep=waits.append) as client:
                yield Side("ours", _methods(client, client.chat.create), runner, waits)
        else:
            waiting = sdk.AsyncClient(url, key, timeout=timeout, retry=policy, sleep=sleep)
            yield Side("ours", _methods(waiting, waiting.chat.create), runner, waits)
            runner.run(waiting.close())


@contextmanager
def theirs(mode: str, url: str, key: str, timeout: float, retries: int) -> Iterator[Side]:
    """The official one, whose pauses take no time."""
    waits = list[float]()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    options: Any = {"base_url": url, "api_key": key, "timeout": timeout, "max_retries": retries}
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setattr(their_inside, "time", types.SimpleNamespace(sleep=waits.append, time=their_inside.time.time))
        patch.setattr(their_inside, "anyio", types.SimpleNamespace(sleep=sleep))
        if mode == "blocking":
            with openai.OpenAI(**options) as client:
                yield Side("theirs", _methods(client, client.chat.completions.create), runner, waits)
        else:
            waiting = openai.AsyncOpenAI(**options)
            yield Side("theirs", _methods(waiting, waiting.chat.completions.create), runner, waits)
            runner.run(waiting.close())


def left(server: Server, user: str) -> Plain:
    """The log line of a user's one request, once it is written."""
    return server.wait_for("request done", user=user)[0]
