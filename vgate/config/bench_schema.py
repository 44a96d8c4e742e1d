"""The sections that only the bench has: types and bounds. Values and their meaning: the files under `conf/`."""

from typing import Any

from pydantic import Field

from vgate.config.load_schema import LoadSettings
from vgate.config.schema import Settings
from vgate.config.sections import NotNegative, Positive, PositiveFloat, Section
from vgate.config.workload_schema import WorkloadSettings


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
    certify: bool
    drivers: Positive | None
    prune: bool
    baseline: bool
    reuse: bool
    mix: bool = False  # so that configurations which were kept before it are still read


class ExperimentSettings(Section):
    """A named question and the axes that answer it: dotted key or group -> values."""

    question: str = Field(min_length=1)
    sweep: dict[str, list[Any]]


class BenchSettings(Settings):
    """A trial's whole configuration, validated: the gateway's sections and the bench's."""

    load: LoadSettings
    workload: WorkloadSettings
    slo: SloSettings
    trial: TrialSettings
    experiment: ExperimentSettings | None
