"""What the routes share: one server's parts, some of which can be exchanged while it runs."""

import asyncio
from dataclasses import dataclass, field

from vgate.config import Settings
from vgate.engine.base import Engine
from vgate.gateway import Gateway
from vgate.observe.base import Observer
from vgate.observe.prometheus import PrometheusObserver
from vgate.security.base import Security


@dataclass
class Service:
    """A running server. `gateway`, `security` and `settings` are replaced together when it is reconfigured."""

    settings: Settings
    engine: Engine
    gateway: Gateway
    security: Security
    metrics: PrometheusObserver
    observer: Observer
    stopping: bool = field(default=False)
    _retiring: "set[asyncio.Task[None]]" = field(default_factory=set)

    @property
    def ready(self) -> bool:
        """Whether new requests can be answered."""
        return self.engine.ready and not self.stopping

    def replace_gateway(self, gateway: Gateway) -> None:
        """New requests enter this gateway; the old one is closed when its own are answered."""
        retiring = asyncio.create_task(self.gateway.close())
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)
        self.gateway = gateway

    async def close(self) -> None:
        """Close every gateway there was; all requests must have ended."""
        await asyncio.gather(*self._retiring, self.gateway.close())
