"""The part of an engine's section that says who its workers are, and how they are treated: types and bounds.

Values and their meaning: the files under `conf/engine/`.
"""

import re
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from vgate.config.elsewhere import from_environment, from_file
from vgate.config.errors import yaml_problem
from vgate.config.sections import NotNegative, Positive, PositiveFloat, Section, Share
from vgate.workers.url import host_and_port, normal

SOURCES = ("workers", "workers_file", "workers_dns")
KEYS = ("key", "key_file", "key_env")
_WORD = re.compile(r"[\x21-\x7e]+")


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
        """Read it now, so that a mistake is told at the start. More than a word would be further headers."""
        if value is not None:
            key = from_file(value) if info.field_name == "key_file" else from_environment(value)
            if not _WORD.fullmatch(key):
                raise ValueError("a worker's key must be one word of printable ASCII characters")
        return value

    @model_validator(mode="after")
    def _of_one_source(self) -> Self:
        given = [name for name in KEYS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"only one may be given of {', '.join(KEYS)}; has {' and '.join(given)}")
        return self


class WorkerSettings(Access):
    url: Annotated[str, AfterValidator(normal)]
    name: str | None = Field(None, pattern=r"^[\x21-\x7e]{1,64}$")

    @property
    def shown_name(self) -> str:
        """Its name in logs and metrics; of one that is not named, host, port and path of its URL."""
        return self.name or self.url.partition("://")[2]


def _from_url(worker: Any) -> Any:
    return {"url": worker} if isinstance(worker, str) else worker


def _distinct(workers: list[WorkerSettings]) -> list[WorkerSettings]:
    for what, values in (("url", [w.url for w in workers]), ("name", [w.shown_name for w in workers])):
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise ValueError(f"every {what} must be there once; {twice[0]} is there {values.count(twice[0])} times")
    return workers


Workers = Annotated[
    list[Annotated[WorkerSettings, BeforeValidator(_from_url)]], Field(max_length=1000), AfterValidator(_distinct)
]
_LIST: TypeAdapter[list[WorkerSettings]] = TypeAdapter(Workers)


def read_workers(content: bytes) -> list[WorkerSettings]:
    """The list in a worker file, YAML or JSON. Raises ValueError with what is wrong, in one line without secrets."""
    try:
        found = yaml.safe_load(content.decode())
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    except yaml.YAMLError as error:
        raise ValueError(f"is not YAML: {yaml_problem(error)}") from None
    if not isinstance(found, list):
        raise ValueError(  # noqa: TRY004  of a file, as all else
            "must hold a list of workers, each with a url; of no workers it is []"
        )
    try:
        return _LIST.validate_python(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{where or 'the list'}: {first['msg'].removeprefix('Value error, ')}") from None


class DnsSettings(Access):
    refresh_s: PositiveFloat
    keep_s: NotNegative
    max_workers: Annotated[int, Field(ge=1, le=1000)]
    family: Literal["any", "ipv4", "ipv6"]


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


def _among_attempts(hedge: HedgeSettings, info: ValidationInfo) -> HedgeSettings:
    retry = info.data.get("retry")
    if hedge.after_ms is not None and retry is not None and retry.max_attempts < 2:
        raise ValueError("the second worker is one of engine.retry.max_attempts, which must be 2 at least")
    return hedge


Hedge = Annotated[HedgeSettings, AfterValidator(_among_attempts)]


def _good_file(path: str) -> str:
    """Read it now, so that a mistake is told at the start."""
    read_workers(from_file(path).encode())
    return path


class WorkersSettings(BaseModel):
    """The part of an engine's section that says who its workers are and how they are treated."""

    workers: Workers
    workers_file: Annotated[str, AfterValidator(_good_file)] | None
    workers_dns: Annotated[str, AfterValidator(host_and_port)] | None
    dns: DnsSettings
    health: HealthSettings
    breaker: BreakerSettings
    retry: RetrySettings
    hedge: Hedge

    @field_validator("workers_dns")
    @classmethod
    def _one_source(cls, name: str | None, info: ValidationInfo) -> str | None:
        # One that is wrong is told of by itself.
        if not info.data.keys() >= {"workers", "workers_file"}:
            return name
        given = [source for source, value in zip(SOURCES, (*_first_two(info), name), strict=True) if value]
        if len(given) != 1:
            told = " and ".join(given) or "none"
            raise ValueError(f"give one of {', '.join(f'engine.{source}' for source in SOURCES)}; there is {told}")
        return name


def _first_two(info: ValidationInfo) -> tuple[Any, Any]:
    return info.data["workers"], info.data["workers_file"]
