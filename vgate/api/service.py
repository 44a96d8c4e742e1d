"""What the routes share: one server's parts, some of which can be exchanged while it runs."""

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

    @property
    def ready(self) -> bool:
        """Whether new requests can be answered."""
        return self.engine.ready and not self.stopping
