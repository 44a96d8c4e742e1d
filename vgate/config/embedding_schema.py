"""The section `embedding`: types and bounds. Values and their meaning: the files under `conf/embedding/`."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from vgate.config.sections import (
    Component,
    Dtype,
    MemoryShare,
    NamedModel,
    NotNegative,
    Positive,
    PositiveFloat,
    RestartSettings,
    target_of,
)


class NoEmbeddingSettings(Component):
    target: Literal["vgate.embedding.none.NoEmbedding"] = Field(alias="_target_")


class _EmbeddingSettings(NamedModel, Component):
    max_model_len: Positive | None
    max_batch_tokens: Positive
    max_batch_items: Positive
    max_waiting_items: Positive


class DryRunEmbeddingSettings(_EmbeddingSettings):
    target: Literal["vgate.embedding.dry_run.DryRunEmbedding"] = Field(alias="_target_")
    dimensions: Positive
    tokens_per_s: PositiveFloat
    step_ms: NotNegative
    padded: bool


class VllmEmbeddingSettings(_EmbeddingSettings):
    target: Literal["vgate.embedding.vllm.VllmEmbedding"] = Field(alias="_target_")
    revision: str | None
    dtype: Dtype
    gpu_memory_utilization: MemoryShare
    enforce_eager: bool
    start_timeout_s: PositiveFloat
    cpu_threads: Positive
    cpu_kvcache_gib: Positive
    restart: RestartSettings
    extra_args: dict[str, Any]


class UpstreamEmbeddingSettings(Component):
    target: Literal["vgate.embedding.upstream.UpstreamEmbedding"] = Field(alias="_target_")
    max_batch_items: Positive
    max_waiting_items: Positive


Embedding = Annotated[
    Annotated[VllmEmbeddingSettings, Tag("vgate.embedding.vllm.VllmEmbedding")]
    | Annotated[DryRunEmbeddingSettings, Tag("vgate.embedding.dry_run.DryRunEmbedding")]
    | Annotated[UpstreamEmbeddingSettings, Tag("vgate.embedding.upstream.UpstreamEmbedding")]
    | Annotated[NoEmbeddingSettings, Tag("vgate.embedding.none.NoEmbedding")],
    Discriminator(target_of),
]
