"""What sections may not say together, though each of them is right by itself; of a bench's see `bench_together`."""

from collections.abc import Callable

from vgate.config import keys_together, replica
from vgate.config.embedding_schema import NoEmbeddingSettings, UpstreamEmbeddingSettings
from vgate.config.errors import wrong
from vgate.config.schema import NoEngineSettings, RayEngineSettings, Settings, UpstreamSettings


def check(program: str, settings: Settings, source: Callable[[str], str]) -> None:
    """Raises ConfigError. `source` says where a key came from."""
    keys_together.check(settings, source)
    if isinstance(settings.engine, RayEngineSettings):
        replica.check(settings.ray, source)
    no_chat = isinstance(settings.engine, NoEngineSettings)
    workers = isinstance(settings.engine, UpstreamSettings)
    if program != "serve":
        from vgate.config import bench_together  # a server does not load the bench's sections

        bench_together.check(settings, source)
    if isinstance(settings.embedding, NoEmbeddingSettings):
        if no_chat:
            raise wrong("engine", "none", source("engine"), "and so is embedding: the server would serve nothing")
        return
    if isinstance(settings.embedding, UpstreamEmbeddingSettings):
        if not workers:
            raise wrong("embedding", "upstream", source("embedding"), "asks the workers of engine=upstream")
        return
    name = settings.embedding.public_name
    if not (no_chat or workers) and name == settings.model.public_name:
        key = "embedding.served_model_name"
        raise wrong(key, name, source(key), "is the chat model's name too; clients could not tell them apart")
