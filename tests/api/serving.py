"""A dry-run server in this process and in virtual time: its service and its app."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from vgate.api.app import build_app
from vgate.api.service import Service
from vgate.build import build_service
from vgate.config import compose


@contextlib.asynccontextmanager
async def serving(*overrides: str) -> AsyncIterator[tuple[Service, Any]]:
    service = build_service(compose("serve", ["+preset=dry_run", *overrides], {}).settings)
    app = build_app(service)
    await service.engine.start()
    await service.embedding.start()
    try:
        yield service, app
    finally:
        await service.embedding.stop()
        await service.engine.stop()
        await service.close()
