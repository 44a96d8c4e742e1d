"""The section `ray`: types and bounds. Values and their meaning: `conf/ray/default.yaml`."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from vgate.config import tree
from vgate.config.sections import NotNegative, Positive, PositiveFloat, Section
from vgate.workers.url import host_and_port


def _whole_from_one(cards: float) -> float:
    if cards > 1 and cards % 1:
        raise ValueError("must be a whole number where it is above 1: Ray gives shares of one card only")
    return cards


class AutoscalingSettings(Section):
    max_replicas: Positive | None
    min_replicas: Positive
    target_ongoing_requests: PositiveFloat
    upscale_delay_s: NotNegative
    downscale_delay_s: NotNegative
    look_back_s: PositiveFloat


class RaySettings(Section):
    address: Literal["auto"] | Annotated[str, AfterValidator(host_and_port)] | None
    app: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")
    num_replicas: Positive
    num_cpus: NotNegative
    num_gpus: Annotated[NotNegative, AfterValidator(_whole_from_one)]
    engine: Literal["vllm", "dry_run"]
    settings: dict[str, Any]
    autoscaling: AutoscalingSettings
    health_period_s: PositiveFloat
    poll_s: PositiveFloat
    drain_s: NotNegative
    start_timeout_s: PositiveFloat
    keep_replicas: bool
    dashboard: bool


def default_ray() -> RaySettings:
    """What a configuration says that was kept before there was Ray."""
    return RaySettings.model_validate(tree.option_text("ray", "default"))
