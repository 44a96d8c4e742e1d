"""The section `routing`: types and bounds. Values and their meaning: the files under `conf/routing/`."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from vgate.config.sections import Component, Positive, target_of


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
