"""Never run: what a user of the client writes, checked by mypy --strict in test_typing.py."""

from __future__ import annotations

import vgate

messages = [{"role": "user", "content": "hello"}]


def blocking(client: vgate.Client) -> str | None:
    whole: vgate.ChatCompletion = client.chat.create(model="tiny", messages=messages, temperature=0.0)
    chunks: vgate.Stream[vgate.ChatCompletionChunk] = vgate.Chat.create(model="tiny", messages=messages, stream=True)
    with chunks:
        text: str = "".join(chunk.text for chunk in chunks)
    tokens: int = whole.usage.completion_tokens if whole.usage else 0
    return whole.meta.request_id if tokens else text


async def asynchronous(client: vgate.AsyncClient) -> str | None:
    async with await client.chat.create(model="tiny", messages=messages, stream=True) as chunks:
        async for chunk in chunks:
            role: str | None = chunk.choices[0].delta.role
            assert role != chunk.text
    reply: vgate.ChatCompletion = await vgate.AsyncChat.create(model="tiny", messages=messages)
    return reply.meta.cache


def either(client: vgate.Client, streamed: bool) -> str:
    found = client.chat.create(model="tiny", messages=messages, stream=streamed, timeout=5.0)
    return found.text if isinstance(found, vgate.ChatCompletion) else "".join(chunk.text for chunk in found)


def others(client: vgate.Client) -> int:
    policy = vgate.RetryPolicy(max_retries=1)
    pieces: vgate.Stream[vgate.TextCompletion] = client.completions.create(model="tiny", prompt=[1, 2], stream=True)
    ids: tuple[str, ...] = vgate.Models.list().ids
    limit: vgate.RateLimit | None = pieces.meta.token_limit
    return len(ids) + (limit.remaining if limit else policy.max_retries)


def failing() -> float | None:
    try:
        vgate.Embedding.create(model="tiny", input=["a", "b"])
    except vgate.RateLimitError as error:
        return error.retry_after if error.rate_limit is None else error.rate_limit.reset
    except vgate.VGateError:
        return None
    return 0.0


def wrong(client: vgate.Client) -> None:
    client.chat.create(model="tiny")  # type: ignore[call-overload]
    client.chat.create(model=1, messages=messages)  # type: ignore[call-overload]
