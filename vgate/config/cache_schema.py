"""The sections of the response caches."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from vgate.config.sections import Component, Positive, PositiveFloat, RedisUrl, target_of


class NoCacheSettings(Component):
    target: Literal["vgate.cache.none.NoCache"] = Field(alias="_target_")


class KeepingCacheSettings(Component):
    scope: Literal["key", "shared"]
    sampled: bool


class MemoryCacheSettings(KeepingCacheSettings):
    target: Literal["vgate.cache.lru.LruCache", "vgate.cache.lfu.LfuCache", "vgate.cache.tinylfu.TinyLfuCache"] = Field(
        alias="_target_"
    )
    maxsize: Positive
    max_bytes: Positive


class TtlCacheSettings(KeepingCacheSettings):
    target: Literal["vgate.cache.ttl.TtlCache"] = Field(alias="_target_")
    maxsize: Positive
    max_bytes: Positive
    ttl_s: PositiveFloat


class RedisCacheSettings(KeepingCacheSettings):
    target: Literal["vgate.cache.redis.RedisCache"] = Field(alias="_target_")
    url: RedisUrl
    prefix: str = Field(min_length=1)
    ttl_s: float = Field(ge=0.001)
    timeout_ms: PositiveFloat


Cache = Annotated[
    Annotated[NoCacheSettings, Tag("vgate.cache.none.NoCache")]
    | Annotated[MemoryCacheSettings, Tag("vgate.cache.lru.LruCache")]
    | Annotated[MemoryCacheSettings, Tag("vgate.cache.lfu.LfuCache")]
    | Annotated[MemoryCacheSettings, Tag("vgate.cache.tinylfu.TinyLfuCache")]
    | Annotated[TtlCacheSettings, Tag("vgate.cache.ttl.TtlCache")]
    | Annotated[RedisCacheSettings, Tag("vgate.cache.redis.RedisCache")],
    Discriminator(target_of),
]
