"""What all sections of the configuration are made of: bounds, strictness, and the class that a section stands for."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(ge=1)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Section(BaseModel):
    """No unknown keys, no silent conversions, no changes after validation."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, validate_by_name=True, protected_namespaces=())


class Component(Section):
    """A section that says which class it is built from."""

    target: str = Field(alias="_target_")


def target_of(section: Any) -> Any:
    """Which class a section, parsed or not, is built from; for a union's Discriminator."""
    return section.get("_target_") if isinstance(section, dict) else getattr(section, "target", None)
