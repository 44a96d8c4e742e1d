"""The sections of tracing."""

import importlib.util
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from vgate.config.sections import Component, Positive, PositiveFloat, Share, target_of

_NEEDED = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


class NoTracingSettings(Component):
    target: Literal["vgate.tracing.none.NoTracing"] = Field(alias="_target_")


class OtlpSettings(Component):
    target: Literal["vgate.tracing.otlp.OtlpTracing"] = Field(alias="_target_")
    endpoint: str
    protocol: Literal["http/protobuf"]
    headers: dict[str, str] = Field(repr=False)
    sample_ratio: Share
    service_name: str = Field(min_length=1)
    max_queue_spans: Positive
    timeout_s: PositiveFloat

    @field_validator("endpoint")
    @classmethod
    def _of_a_collector(cls, endpoint: str) -> str:
        if not endpoint.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return endpoint

    @field_validator("headers")
    @classmethod
    def _of_http(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not name.isascii() or not name or not (name + value).isprintable():
                raise ValueError("must be names and values of HTTP headers")
        return headers

    @model_validator(mode="after")
    def _installed(self) -> Self:
        """Said before anything is started."""
        try:
            missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
        except ModuleNotFoundError:
            missing = list(_NEEDED)
        if missing:
            raise ValueError(f"needs {' and '.join(missing)}: pip install 'vgate[otel]'")
        return self


def no_tracing() -> NoTracingSettings:
    """What a configuration says that was kept before there was tracing."""
    return NoTracingSettings.model_validate({"_target_": "vgate.tracing.none.NoTracing"})


Tracing = Annotated[
    Annotated[NoTracingSettings, Tag("vgate.tracing.none.NoTracing")]
    | Annotated[OtlpSettings, Tag("vgate.tracing.otlp.OtlpTracing")],
    Discriminator(target_of),
]
