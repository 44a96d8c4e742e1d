"""The sections of a gateway's configuration: types and bounds. Values and their meaning: the files under `conf/`.

A component's section carries `_target_`, the class it is built from, read here as `target`.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from vgate.config.admin_schema import Admin, no_admin
from vgate.config.admission_schema import Batch, Queue
from vgate.config.cache_schema import Cache
from vgate.config.embedding_schema import Embedding
from vgate.config.sections import (
    Component,
    Dtype,
    MemoryShare,
    NamedModel,
    NotNegative,
    Positive,
    PositiveFloat,
    RestartSettings,
    Section,
    Share,
    target_of,
)
from vgate.config.server_schema import ServerSettings
from vgate.config.tracing_schema import Tracing, no_tracing


class ModelSettings(NamedModel, Section):
    revision: str | None
    quantization: str | None
    dtype: Dtype
    gpu_memory_utilization: MemoryShare
    max_model_len: Positive | None
    max_num_seqs: Positive | None
    max_num_batched_tokens: Positive | None
    enable_prefix_caching: bool
    enforce_eager: bool
    kv_cache_dtype: str
    linear_backend: str = Field(min_length=1)
    tool_call_parser: str | None


class VllmSettings(Component):
    target: Literal["vgate.engine.vllm.VllmEngine"] = Field(alias="_target_")
    start_timeout_s: PositiveFloat
    cpu_threads: Positive
    cpu_kvcache_gib: Positive
    restart: RestartSettings
    extra_args: dict[str, Any]


class FaultSettings(Section):
    seed: int
    after_tokens: Positive
    slow_factor: Positive
    error_before: Share
    error_after: Share
    hang: Share
    drop: Share
    crash: Share
    slow: Share
    split: Share

    @model_validator(mode="after")
    def _at_most_all(self) -> Self:
        """A request has one fault."""
        rates = {name: value for name, value in self if isinstance(value, float) and value}
        if sum(rates.values()) > 1 + 1e-9:
            told = " + ".join(f"{name} {value:g}" for name, value in rates.items())
            raise ValueError(f"the rates must be at most 1 together, and are {told} = {sum(rates.values()):g}")
        return self


class DryRunSettings(Component):
    target: Literal["vgate.engine.dry_run.DryRunEngine"] = Field(alias="_target_")
    prefill_tokens_per_s: PositiveFloat
    decode_step_ms: NotNegative
    decode_step_per_seq_ms: NotNegative
    max_num_seqs: Positive
    faults: FaultSettings
    restart: RestartSettings


class NoEngineSettings(Component):
    target: Literal["vgate.engine.none.NoEngine"] = Field(alias="_target_")


class NoDedupSettings(Component):
    target: Literal["vgate.dedup.none.NoDedup"] = Field(alias="_target_")


class JoiningSettings(Component):
    target: Literal["vgate.dedup.batch.BatchDedup", "vgate.dedup.single_flight.SingleFlight"] = Field(alias="_target_")
    scope: Literal["key", "shared"]
    sampled: bool
    max_buffer_bytes: Positive


class ApiKey(Section):
    """One caller. The key is sent as `Authorization: Bearer <key>`."""

    key: str = Field(pattern=r"^[\x21-\x7e]+$", repr=False)
    name: str = Field(min_length=1)
    rate_limit: Positive | None = None


class RateLimiting(Section):
    enabled: bool
    default_limit: Positive
    window_seconds: PositiveFloat


class OpenSettings(Component):
    target: Literal["vgate.security.none.Open"] = Field(alias="_target_")


class KeysSettings(Component):
    target: Literal["vgate.security.keys.Keys"] = Field(alias="_target_")
    api_keys: list[ApiKey] = Field(min_length=1)
    rate_limiting: RateLimiting
    exempt_paths: list[str]

    @field_validator("api_keys")
    @classmethod
    def _distinct(cls, api_keys: list[ApiKey]) -> list[ApiKey]:
        for what, values in (("key", [k.key for k in api_keys]), ("name", [k.name for k in api_keys])):
            if len(set(values)) < len(values):
                raise ValueError(f"every {what} must be there once")
        return api_keys


class LoggingSettings(Section):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]
    json_format: bool
    access_sample: Share = 1.0
    prompts: bool = False


Engine = Annotated[
    Annotated[VllmSettings, Tag("vgate.engine.vllm.VllmEngine")]
    | Annotated[DryRunSettings, Tag("vgate.engine.dry_run.DryRunEngine")]
    | Annotated[NoEngineSettings, Tag("vgate.engine.none.NoEngine")],
    Discriminator(target_of),
]
Dedup = Annotated[
    Annotated[NoDedupSettings, Tag("vgate.dedup.none.NoDedup")]
    | Annotated[JoiningSettings, Tag("vgate.dedup.batch.BatchDedup")]
    | Annotated[JoiningSettings, Tag("vgate.dedup.single_flight.SingleFlight")],
    Discriminator(target_of),
]
Security = Annotated[
    Annotated[OpenSettings, Tag("vgate.security.none.Open")] | Annotated[KeysSettings, Tag("vgate.security.keys.Keys")],
    Discriminator(target_of),
]


class Settings(Section):
    """A gateway's whole configuration, validated."""

    version: str | None = None
    server: ServerSettings
    model: ModelSettings
    engine: Engine
    embedding: Embedding
    queue: Queue
    batch: Batch
    cache: Cache
    dedup: Dedup
    security: Security
    admin: Admin = Field(default_factory=no_admin)
    logging: LoggingSettings
    tracing: Tracing = Field(default_factory=no_tracing)
