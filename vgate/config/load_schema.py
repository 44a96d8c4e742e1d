"""The section `load`: types and bounds. Values and their meaning: the files under `conf/load/`."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from vgate.config.sections import Component, NotNegative, Positive, PositiveFloat, target_of


class ClosedSettings(Component):
    target: Literal["vgate.load.closed.Closed"] = Field(alias="_target_")
    users: Positive


class ConstantSettings(Component):
    target: Literal["vgate.load.constant.Constant"] = Field(alias="_target_")
    rate: PositiveFloat


class PoissonSettings(Component):
    target: Literal["vgate.load.poisson.Poisson"] = Field(alias="_target_")
    rate: PositiveFloat


class GammaSettings(Component):
    target: Literal["vgate.load.gamma.Gamma"] = Field(alias="_target_")
    rate: PositiveFloat
    burstiness: PositiveFloat


class RampSettings(Component):
    target: Literal["vgate.load.ramp.Ramp"] = Field(alias="_target_")
    start_rate: NotNegative
    end_rate: PositiveFloat
    delay_s: NotNegative
    over_s: PositiveFloat


class TraceSettings(Component):
    target: Literal["vgate.load.trace.Trace"] = Field(alias="_target_")
    speed: PositiveFloat
    start_s: NotNegative
    max_rows: Positive
    path: str  # last: its check needs the others

    @field_validator("path", mode="before")
    @classmethod
    def _readable(cls, path: Any, info: ValidationInfo) -> str:
        return with_trace(path, info.data)


def with_trace(path: Any, settings: dict[str, Any]) -> str:
    """The path, if there is a trace of a known format; `settings` are start_s and max_rows, where those are valid."""
    from vgate.load.recorded import read_trace

    name = a_file(path)
    if settings.keys() >= {"start_s", "max_rows"}:
        read_trace(name, settings["start_s"], settings["max_rows"])
    return name


def a_file(path: Any) -> str:
    """The path, if it is text."""
    if not isinstance(path, str) or not path:
        raise ValueError("must name a file")
    return path


LoadSettings = Annotated[
    Annotated[ClosedSettings, Tag("vgate.load.closed.Closed")]
    | Annotated[ConstantSettings, Tag("vgate.load.constant.Constant")]
    | Annotated[PoissonSettings, Tag("vgate.load.poisson.Poisson")]
    | Annotated[GammaSettings, Tag("vgate.load.gamma.Gamma")]
    | Annotated[RampSettings, Tag("vgate.load.ramp.Ramp")]
    | Annotated[TraceSettings, Tag("vgate.load.trace.Trace")],
    Discriminator(target_of),
]
