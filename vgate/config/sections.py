"""What all sections of the configuration are made of: bounds, strictness, and the class that a section stands for."""

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from vgate.config.model_id import public_name

# Whole numbers that JSON and Redis count exactly, and far more than any time or rate here can be: beyond them numbers
# turn infinite when they are added or multiplied, and no longer fit what C takes.
MOST_WHOLE = 2**53
MOST = 1e12

Positive = Annotated[int, Field(ge=1, le=MOST_WHOLE)]
PositiveFloat = Annotated[float, Field(gt=0, le=MOST)]
Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0, le=MOST)]
MemoryShare = Annotated[float, Field(gt=0, le=1)]
_DATABASE = re.compile(r"/?[0-9]*/?")


def _of_redis(url: str) -> str:
    """What redis-py would only tell when it is too late, or pass over."""
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("must begin with redis://, rediss:// or unix://")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:  # quotes what may be a password
        told = (
            "must have a host and at most a port up to 65535 after it; what is special in a password is written as %2F"
        )
        raise ValueError(told) from None
    if parts.scheme == "unix":
        if not parts.path.strip("/"):
            raise ValueError("must have the path of a socket after unix://")
    elif not _DATABASE.fullmatch(parts.path):
        raise ValueError("must have nothing but the number of a database after the host and its port")
    return url


RedisUrl = Annotated[str, Field(repr=False), AfterValidator(_of_redis)]
Dtype = Literal["auto", "half", "float16", "bfloat16", "float", "float32"]


class Section(BaseModel):
    """No unknown keys, no silent conversions, no numbers that are not finite, no changes after validation."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,  # bounds let NaN through: no comparison with it is true
        validate_by_name=True,
        protected_namespaces=(),
    )


class Component(Section):
    """A section that says which class it is built from."""

    target: str = Field(alias="_target_")


class NamedModel(BaseModel):
    """What a section says of the model that it names."""

    model_id: str = Field(min_length=1)
    served_model_name: str | None = Field(min_length=1)

    @property
    def public_name(self) -> str:
        """The name that clients put into `model`."""
        return self.served_model_name or public_name(self.model_id)


class RestartSettings(Section):
    """When an engine that has died is restarted."""

    max_attempts: int = Field(ge=0, le=MOST_WHOLE)
    backoff_s: NotNegative
    max_backoff_s: NotNegative
    stable_s: NotNegative
    hang_timeout_s: PositiveFloat


def target_of(section: Any) -> Any:
    """Which class a section, parsed or not, is built from; for a union's Discriminator."""
    return section.get("_target_") if isinstance(section, dict) else getattr(section, "target", None)
