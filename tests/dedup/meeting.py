"""Requests that meet in one flight."""

import asyncio
from typing import Any

from tests.calls import Asked, ask
from tests.gateways import gateway
from tests.scripted import Script, Scripted, answer
from vgate.gateway import Gateway
from vgate.types import Call


def slow(call: Call) -> Script:
    """100 ms of prefill, then 100 tokens of 10 ms."""
    return answer(call, tokens=100, prefill_s=0.1, step_s=0.01)


def single(engine: Scripted, batch: str = "passthrough", cache: str = "none", **changes: Any) -> Gateway:
    return gateway(engine, batch, cache, "single_flight", **changes)


def start(entry: Gateway, call: Call, asking: Asked | None = None) -> "asyncio.Task[Asked]":
    return asyncio.create_task(ask(entry, call, asking))


def due(call: Call, at: float | None) -> Call:
    """The same request, whose answer must begin by then; None: at any time."""
    return Call(call.id, call.endpoint, call.body, call.caller, at)
