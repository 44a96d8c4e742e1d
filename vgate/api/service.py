"""What the routes share: one server's parts, some of which can be exchanged while it runs."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from vgate.config import Settings
from vgate.config.graph import graph_hash
from vgate.embedding.base import Embedding
from vgate.embeddings import Embeddings
from vgate.engine.base import Engine
from vgate.gateway import Gateway
from vgate.observe.base import Observer
from vgate.observe.prometheus import PrometheusObserver
from vgate.observe.recent import Recent
from vgate.observe.recorder import Recorder
from vgate.security.base import Security
from vgate.tracing.base import Tracing
from vgate.types import Endpoint


@dataclass
class Service:
    """A running server.

    `gateway`, `embeddings`, `security` and `settings` are replaced together when it is reconfigured.
    """

    settings: Settings
    engine: Engine
    gateway: Gateway
    embeddings: Embeddings
    security: Security
    metrics: PrometheusObserver
    recorder: Recorder
    recent: Recent
    observer: Observer
    tracing: Tracing
    # About to stop: load balancers are told so, requests are still answered; and then, when they are refused.
    leaving: bool = field(default=False)
    stopping: bool = field(default=False)
    # Composes the configuration again from where the first came from, with notes as in `Composed`; raises ConfigError.
    read: Callable[[], tuple[Settings, list[str]]] | None = None
    # Held by whoever exchanges something, so that no two do at once.
    exchanging: asyncio.Lock = field(default_factory=asyncio.Lock)
    _graph: tuple[Settings, str] | None = None
    _retired: list[Gateway] = field(default_factory=list)
    _retiring: "set[asyncio.Task[None]]" = field(default_factory=set)

    @property
    def embedding(self) -> Embedding:
        """The embedding engine, which stays."""
        return self.embeddings.embedding

    @property
    def graph(self) -> str:
        """The component graph's hash, of what runs now; with many keys it takes long, so it is kept."""
        known = self._graph
        if known is None or known[0] is not self.settings:
            self._graph = known = self.settings, graph_hash(self.settings)
        return known[1]

    @property
    def ready(self) -> bool:
        """Whether new requests of every kind can be answered."""
        return self.engine.ready and self.embedding.ready and not (self.leaving or self.stopping)

    @property
    def context(self) -> int | None:
        """Tokens of a prompt and its answer at most, where that is known: of workers it is not."""
        return None if self.engine.pool is not None else self.settings.model.max_model_len

    def models(self) -> list[dict[str, Any]]:
        """What is served now, as objects of `/v1/models`, each id once: a worker may serve the embedding's too."""
        found: dict[str, dict[str, Any]] = {}
        for engine in (self.engine, self.embedding):
            for model in engine.models() if engine.ready else ():
                found.setdefault(str(model["id"]), model)
        return list(found.values())

    def elsewhere(self, model: str | None, endpoint: Endpoint) -> str | None:
        """The route that this model is asked on, where it is not this one's but is served."""
        embeds = endpoint == "embeddings"
        other = self.engine if embeds else self.embedding
        if not other.ready or all(model != card["id"] for card in other.models()):
            return None
        return "/v1/chat/completions" if embeds else "/v1/embeddings"

    def replace_gateway(self, gateway: Gateway) -> None:
        """New requests enter this gateway; the old one goes on until its own are answered."""
        self._retired.append(self.gateway)
        self._retire(self._close_cache(self.gateway))
        self.gateway = gateway

    def replace_security(self, security: Security) -> None:
        """New requests are let in by this one; the old one is closed when what it has let in is settled."""
        self._retire(self.security.close())
        self.security = security

    async def close(self) -> None:
        """Close every gateway there was, and keys and limits; all requests must have ended."""
        await asyncio.gather(*self._retiring, self.gateway.close(), self.security.close())

    async def _close_cache(self, gateway: Gateway) -> None:
        """Once nothing goes on there; unless another uses the cache still."""
        await gateway.answered()
        self._retired.remove(gateway)
        if all(other.cache is not gateway.cache for other in (self.gateway, *self._retired)):
            await gateway.cache.close()

    def _retire(self, closing: Coroutine[Any, Any, None]) -> None:
        retiring = asyncio.create_task(closing)
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)
