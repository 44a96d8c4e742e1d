"""No tracing: nothing is followed, and nothing of OpenTelemetry is loaded."""

from typing import Any

import pytest

from tests.api.serving import serving
from tests.asgi import ask, chat
from tests.components import build
from tests.test_import import modules_after
from vgate.record import Record

SERVED = """
import asyncio, vgate.serve
from vgate.api.app import build_app
from vgate.build import build_service
from vgate.config import compose
build_app(build_service(compose("serve", ["+preset=dry_run"], {}).settings))
"""


PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
RECORD = Record("r", "/v1/chat/completions", "POST", 0.0)


async def test_nothing_is_traced() -> None:
    tracing = build("tracing", "none")
    assert tracing.begin(RECORD, [(b"x-request-id", b"a")]) is None
    assert tracing.export is None
    async with serving() as (service, app):
        assert (await ask(app, chat(), headers={"traceparent": PARENT})).status == 200
        assert "spans" not in service.metrics.exposition().decode()
    await tracing.close()


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ({"traceparent": PARENT}, {"traceparent": PARENT}),
        ({"traceparent": PARENT, "tracestate": "a=1"}, {"traceparent": PARENT, "tracestate": "a=1"}),
        ({"traceparent": PARENT, "tracestate": "a=1\r\nx: y"}, {"traceparent": PARENT}),
        ({"traceparent": PARENT + "\r\nx: y"}, None),
        ({"tracestate": "a=1"}, None),
    ],
)
def test_the_trace_that_a_request_is_part_of_is_passed_on(given: dict[str, str], passed: Any) -> None:
    trace = build("tracing", "none").begin(RECORD, [(name.encode(), value.encode()) for name, value in given.items()])
    assert (trace.headers, trace.recorded) == (passed, "") if passed else trace is None


def test_a_server_without_tracing_loads_no_opentelemetry() -> None:
    assert not {name for name in modules_after(SERVED) if name.startswith("opentelemetry")}
