"""No tracing: nothing is followed, and nothing of OpenTelemetry is loaded."""

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


async def test_nothing_is_traced() -> None:
    tracing = build("tracing", "none")
    headers = [(b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    assert tracing.begin(Record("r", "/v1/chat/completions", "POST", 0.0), headers) is None
    assert tracing.export is None
    async with serving() as (service, app):
        assert (await ask(app, chat(), headers={"traceparent": headers[0][1].decode()})).status == 200
        assert "spans" not in service.metrics.exposition().decode()
    await tracing.close()


def test_a_server_without_tracing_loads_no_opentelemetry() -> None:
    assert not {name for name in modules_after(SERVED) if name.startswith("opentelemetry")}
