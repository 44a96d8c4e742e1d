"""The sections of a gateway's configuration: types and bounds. Values and their meaning: the files under `conf/`.

A component's section carries `_target_`, the class it is built from, read here as `target`.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from vgate.config.admin_schema import Admin, no_admin
from vgate.config.admission_schema import Batch, Queue
from vgate.config.cache_schema import Cache
from vgate.config.embedding_schema import Embedding
from vgate.config.ray_schema import RaySettings, default_ray
from vgate.config.routing_schema import Routing, default_routing
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
from vgate.config.security_schema import Limits, MemoryLimitsSettings, Security
from vgate.config.server_schema import ServerSettings
from vgate.config.tracing_schema import Tracing, no_tracing
from vgate.config.workers_schema import BreakerSettings, HealthSettings, Hedge, RetrySettings, WorkersSettings


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


class TimeoutSettings(Section):
    connect_s: PositiveFloat
    first_byte_s: PositiveFloat
    between_s: PositiveFloat


class UpstreamSettings(WorkersSettings, Component):
    target: Literal["vgate.engine.upstream.UpstreamEngine"] = Field(alias="_target_")
    timeouts: TimeoutSettings
    keep_s: PositiveFloat
    continue_streams: bool
    continue_seeded: bool
    continue_wait_s: NotNegative
    fingerprint: str


class RayEngineSettings(Component):
    target: Literal["vgate.engine.ray.RayEngine"] = Field(alias="_target_")
    health: HealthSettings
    breaker: BreakerSettings
    retry: RetrySettings
    hedge: Hedge
    timeouts: TimeoutSettings
    keep_s: PositiveFloat
    continue_streams: bool
    continue_seeded: bool
    continue_wait_s: NotNegative
    fingerprint: str


class NoEngineSettings(Component):
    target: Literal["vgate.engine.none.NoEngine"] = Field(alias="_target_")


class NoDedupSettings(Component):
    target: Literal["vgate.dedup.none.NoDedup"] = Field(alias="_target_")


class JoiningSettings(Component):
    target: Literal["vgate.dedup.batch.BatchDedup", "vgate.dedup.single_flight.SingleFlight"] = Field(alias="_target_")
    scope: Literal["key", "shared"]
    sampled: bool
    max_buffer_bytes: Positive


class LoggingSettings(Section):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]
    json_format: bool
    access_sample: Share = 1.0
    prompts: bool = False


Engine = Annotated[
    Annotated[VllmSettings, Tag("vgate.engine.vllm.VllmEngine")]
    | Annotated[DryRunSettings, Tag("vgate.engine.dry_run.DryRunEngine")]
    | Annotated[UpstreamSettings, Tag("vgate.engine.upstream.UpstreamEngine")]
    | Annotated[RayEngineSettings, Tag("vgate.engine.ray.RayEngine")]
    | Annotated[NoEngineSettings, Tag("vgate.engine.none.NoEngine")],
    Discriminator(target_of),
]
Dedup = Annotated[
    Annotated[NoDedupSettings, Tag("vgate.dedup.none.NoDedup")]
    | Annotated[JoiningSettings, Tag("vgate.dedup.batch.BatchDedup")]
    | Annotated[JoiningSettings, Tag("vgate.dedup.single_flight.SingleFlight")],
    Discriminator(target_of),
]


class Settings(Section):
    """A gateway's whole configuration, validated."""

    version: str | None = None
    server: ServerSettings
    model: ModelSettings
    engine: Engine
    routing: Routing = Field(default_factory=default_routing)
    ray: RaySettings = Field(default_factory=default_ray)
    embedding: Embedding
    queue: Queue
    batch: Batch
    cache: Cache
    dedup: Dedup
    security: Security
    admin: Admin = Field(default_factory=no_admin)
    limits: Limits = MemoryLimitsSettings.model_validate({"_target_": "vgate.limits.memory.MemoryLimits"})
    logging: LoggingSettings
    tracing: Tracing = Field(default_factory=no_tracing)
