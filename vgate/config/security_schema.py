"""The sections of keys and limits."""

from collections.abc import Hashable
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator

from vgate.config import key_sources
from vgate.config.sections import Component, Positive, RedisUrl, Section, target_of

# A year: Redis counts microseconds, exactly up to 285 years of them since 1970.
LONGEST_WINDOW_S = 366 * 86400.0
#: What the server answers, beside `/v1/models/` and a name.
PATHS = (
    "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/models", "/health", "/ready", "/metrics",
    "/stats", "/openapi.json",
)  # fmt: skip


class ApiKey(Section):
    """One caller. The key is sent as `Authorization: Bearer <key>`."""

    key: str | None = Field(None, pattern=r"^[\x21-\x7e]+$", repr=False)
    hash: str | None = Field(None, repr=False)
    key_file: str | None = Field(None, repr=False)
    key_env: str | None = Field(None, repr=False)
    name: str = Field(min_length=1, max_length=100)
    rate_limit: Positive | None = None
    token_limit: Positive | None = None
    concurrency: Positive | None = None
    models: list[str] | None = Field(None, min_length=1)
    cache_scope: str | None = Field(None, min_length=1)
    priority: int | None = None

    @field_validator("name")
    @classmethod
    def _on_one_line(cls, name: str) -> str:
        if not name.isprintable():
            raise ValueError("must be printable, on one line")
        return name

    @field_validator("hash", "key_file", "key_env")
    @classmethod
    def _usable(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Read it now, so that a mistake is told at the start."""
        if value is not None:
            key_sources.kept({str(info.field_name): value})
        return value

    @model_validator(mode="after")
    def _of_one_source(self) -> Self:
        given = [name for name in key_sources.SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            told = " and ".join(given) or "none of them"
            raise ValueError(f"must have exactly one of {', '.join(key_sources.SOURCES)}; has {told}")
        return self

    @property
    def identity(self) -> Hashable:
        """Equal for the same key, whatever it comes from; of scrypt, for the same hash."""
        return key_sources.kept(self.model_dump())


class RateLimiting(Section):
    enabled: bool
    default_limit: Positive | None
    window_seconds: float = Field(gt=0, le=LONGEST_WINDOW_S)
    tokens_per_byte: float = Field(0.5, gt=0, le=100)
    unset_max_tokens: Positive | None = None


class PreAuth(Section):
    failures_per_second: Positive


class OpenSettings(Component):
    target: Literal["vgate.security.none.Open"] = Field(alias="_target_")


class KeysSettings(Component):
    target: Literal["vgate.security.keys.Keys"] = Field(alias="_target_")
    api_keys: list[ApiKey] = Field(min_length=1)
    rate_limiting: RateLimiting
    exempt_paths: list[str]
    pre_auth: PreAuth = PreAuth(failures_per_second=20)

    @field_validator("api_keys")
    @classmethod
    def _distinct(cls, api_keys: list[ApiKey]) -> list[ApiKey]:
        for what, values in (("key", [k.identity for k in api_keys]), ("name", [k.name for k in api_keys])):
            if len(set(values)) < len(values):
                raise ValueError(f"every {what} must be there once")
        return api_keys

    @field_validator("exempt_paths")
    @classmethod
    def _paths(cls, paths: list[str]) -> list[str]:
        wrong = [path for path in paths if not path.startswith("/")]
        if wrong:
            raise ValueError(f"every path must begin with /, or it is no request's: {wrong[0]!r}")
        patterns = [path for path in paths if "*" in path]
        if patterns:
            raise ValueError(f"paths are compared whole, without wildcards: {patterns[0]!r} is no request's")
        unknown = [path for path in paths if path not in PATHS and not path.startswith("/v1/models/")]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no path of this server; there are: {', '.join(PATHS)}")
        return paths


class MemoryLimitsSettings(Component):
    target: Literal["vgate.limits.memory.MemoryLimits"] = Field(alias="_target_")


class RedisLimitsSettings(Component):
    target: Literal["vgate.limits.redis.RedisLimits"] = Field(alias="_target_")
    url: RedisUrl
    prefix: str = Field(min_length=1)
    timeout_ms: float = Field(gt=0, le=60_000)
    slot_ttl_s: float = Field(ge=1, le=86400)
    on_failure: Literal["open", "closed", "local"]


Security = Annotated[
    Annotated[OpenSettings, Tag("vgate.security.none.Open")] | Annotated[KeysSettings, Tag("vgate.security.keys.Keys")],
    Discriminator(target_of),
]
Limits = Annotated[
    Annotated[MemoryLimitsSettings, Tag("vgate.limits.memory.MemoryLimits")]
    | Annotated[RedisLimitsSettings, Tag("vgate.limits.redis.RedisLimits")],
    Discriminator(target_of),
]
