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


def failing() -> float | None:
    try:
        vgate.Embedding.create(model="tiny", input=["a", "b"])
    except vgate.RateLimitError as error:
        return error.retry_after
    except vgate.VGateError:
        return None
    return 0.0


def wrong(client: vgate.Client) -> None:
    client.chat.create(model="tiny")  # type: ignore[call-overload]
    client.chat.create(model=1, messages=messages)  # type: ignore[call-overload]
