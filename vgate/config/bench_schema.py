"""The sections that only the bench has: types and bounds. Values and their meaning: the files under `conf/`."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from vgate.config.schema import Settings
from vgate.config.sections import Component, NotNegative, Positive, PositiveFloat, Section, target_of


class WorkloadSettings(Section):
    prompt_tokens: Positive
    output_tokens: Positive
    stream: bool
    temperature: float = Field(ge=0, le=2)
    ignore_eos: bool
    repeat_ratio: float = Field(ge=0, le=1)
    repeat_pool: Positive
    usage_per_chunk: bool


class ClosedSettings(Component):
    target: Literal["vgate.load.closed.Closed"] = Field(alias="_target_")
    users: Positive
    workload: WorkloadSettings


class PoissonSettings(Component):
    target: Literal["vgate.load.poisson.Poisson"] = Field(alias="_target_")
    rate: PositiveFloat
    workload: WorkloadSettings


class SloSettings(Section):
    """Limits in milliseconds; null is no limit."""

    ttft_ms: PositiveFloat | None
    tpot_ms: PositiveFloat | None
    e2e_ms: PositiveFloat | None


class TrialSettings(Section):
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    results_dir: str = Field(min_length=1)
    seed: int = Field(ge=0)
    warmup_s: NotNegative
    duration_s: PositiveFloat
    drain_s: PositiveFloat
    rounds: Positive
    cooldown_s: NotNegative


class ExperimentSettings(Section):
    """A named question and the axes that answer it: dotted key or group -> values."""

    question: str = Field(min_length=1)
    sweep: dict[str, list[Any]]


LoadSettings = Annotated[
    Annotated[ClosedSettings, Tag("vgate.load.closed.Closed")]
    | Annotated[PoissonSettings, Tag("vgate.load.poisson.Poisson")],
    Discriminator(target_of),
]


class BenchSettings(Settings):
    """A trial's whole configuration, validated: the gateway's sections and the bench's."""

    load: LoadSettings
    slo: SloSettings
    trial: TrialSettings
    experiment: ExperimentSettings | None
