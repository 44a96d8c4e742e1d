"""The sections of workers and routing: types and bounds. Values and their meaning: the files under `conf/`."""

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from vgate.config.elsewhere import from_environment, from_file
from vgate.config.sections import Component, NotNegative, Positive, PositiveFloat, Section, Share, target_of
from vgate.workers.url import host_and_port, normal

SOURCES = ("workers", "workers_file", "workers_dns")
_KEYS = ("key", "key_file", "key_env")


class Access(Section):
    """How a worker is asked, and how much."""

    key: str | None = Field(None, pattern=r"^[\x21-\x7e]+$", repr=False)
    key_file: str | None = Field(None, repr=False)
    key_env: str | None = Field(None, repr=False)
    weight: PositiveFloat = 1.0
    max_concurrency: Positive | None = None
    models: list[str] | None = Field(None, min_length=1)

    @field_validator("key_file", "key_env")
    @classmethod
    def _readable(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Read it now, so that a mistake is told at the start."""
        if value is not None:
            from_file(value) if info.field_name == "key_file" else from_environment(value)
        return value

    @model_validator(mode="after")
    def _of_one_source(self) -> Self:
        given = [name for name in _KEYS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"only one may be given of {', '.join(_KEYS)}; has {' and '.join(given)}")
        return self


class WorkerSettings(Access):
    url: Annotated[str, AfterValidator(normal)]
    name: str | None = Field(None, min_length=1, max_length=64)


class DnsSettings(Access):
    refresh_s: PositiveFloat
    keep_s: NotNegative
    max_workers: Positive


class HealthSettings(Section):
    path: str | None = Field(pattern=r"^/[\x21-\x7e]*$")
    interval_s: PositiveFloat
    timeout_s: PositiveFloat
    rise: Positive
    fall: Positive
    slow_start_s: NotNegative


class BreakerSettings(Section):
    failures: Positive
    failure_share: Share
    window: Positive
    open_s: PositiveFloat
    max_open_s: PositiveFloat


class RetrySettings(Section):
    max_attempts: Positive
    share: Annotated[float, Field(ge=0, le=0.1)]
    reserve: int = Field(ge=0)


class HedgeSettings(Section):
    after_ms: PositiveFloat | None


class WorkersSettings(BaseModel):
    """The part of an engine's section that says who its workers are and how they are treated."""

    workers: list[WorkerSettings]
    workers_file: str | None = Field(min_length=1)
    workers_dns: Annotated[str, AfterValidator(host_and_port)] | None
    dns: DnsSettings
    health: HealthSettings
    breaker: BreakerSettings
    retry: RetrySettings
    hedge: HedgeSettings


class RoundRobinSettings(Component):
    target: Literal["vgate.routing.round_robin.RoundRobin"] = Field(alias="_target_")


class LeastLoadedSettings(Component):
    target: Literal["vgate.routing.least_loaded.LeastLoaded"] = Field(alias="_target_")


class PowerOfTwoSettings(Component):
    target: Literal["vgate.routing.power_of_two.PowerOfTwo"] = Field(alias="_target_")
    seed: int


class PrefixAffinitySettings(Component):
    target: Literal["vgate.routing.prefix_affinity.PrefixAffinity"] = Field(alias="_target_")
    block_bytes: Positive
    max_blocks: Positive
    remembered: Positive
    load_factor: float = Field(gt=1)
    slack: int = Field(ge=0)


def default_routing() -> LeastLoadedSettings:
    """What a configuration says that was kept before there was routing."""
    return LeastLoadedSettings.model_validate({"_target_": "vgate.routing.least_loaded.LeastLoaded"})


Routing = Annotated[
    Annotated[RoundRobinSettings, Tag("vgate.routing.round_robin.RoundRobin")]
    | Annotated[LeastLoadedSettings, Tag("vgate.routing.least_loaded.LeastLoaded")]
    | Annotated[PowerOfTwoSettings, Tag("vgate.routing.power_of_two.PowerOfTwo")]
    | Annotated[PrefixAffinitySettings, Tag("vgate.routing.prefix_affinity.PrefixAffinity")],
    Discriminator(target_of),
]
