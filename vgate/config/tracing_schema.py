"""The sections of tracing."""

import importlib.util
import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from vgate.config.sections import Component, Positive, Share, target_of

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
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
    timeout_s: float = Field(gt=0, le=3600)

    @field_validator("endpoint")
    @classmethod
    def _of_a_collector(cls, endpoint: str) -> str:
        if not endpoint.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        try:
            host = urlsplit(endpoint).hostname
        except ValueError:
            host = None
        if not host or not endpoint.isprintable() or " " in endpoint:
            raise ValueError("must be a URL with a host, such as http://collector:4318/v1/traces")
        return endpoint

    @field_validator("headers")
    @classmethod
    def _of_http(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _NAME.fullmatch(name) or not value.isprintable():
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
