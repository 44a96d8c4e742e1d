"""The section `workload`: types and bounds. Values and their meaning: the files under `conf/workload/`."""

from collections.abc import Callable
from math import log
from statistics import NormalDist
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator

from vgate.config.load_schema import a_file, with_trace
from vgate.config.sections import Component, NotNegative, Positive, PositiveFloat, Section, Share, target_of
from vgate.workload.lengths import MOST

Length = Annotated[int, Field(ge=1, le=MOST)]
LEAST_SHARE = 0.01  # of a distribution, to fall between its bounds: what does not is drawn again


class UniformSettings(Section):
    distribution: Literal["uniform"]
    min: Length
    max: Length

    @model_validator(mode="after")
    def _ordered(self) -> "UniformSettings":
        if self.max < self.min:
            raise ValueError("max must not be less than min")
        return self


class _BellSettings(Section):
    min: Length = 1
    max: Length | None = None

    def within(self, middle: str, spread: str, below: Callable[[float], float]) -> None:
        """Or draws would hardly ever fall between min and max, and drawing would not end.

        middle, spread: the names of those settings. below: which share of the distribution lies below a length.
        """
        if not self.min <= getattr(self, middle) <= (self.max or MOST):
            raise ValueError(f"{middle} must lie between min and max ({MOST} where there is none)")
        if getattr(self, spread) and below((self.max or MOST) + 0.5) - below(self.min - 0.5) < LEAST_SHARE:
            told = f"less than {LEAST_SHARE:.0%} of it lies between min and max ({MOST} where there is none)"
            raise ValueError(f"{told}: {spread} must be less, or they must be further apart")


class NormalSettings(_BellSettings):
    distribution: Literal["normal"]
    mean: PositiveFloat
    stddev: NotNegative

    @model_validator(mode="after")
    def _within(self) -> "NormalSettings":
        self.within("mean", "stddev", lambda length: NormalDist(self.mean, self.stddev).cdf(length))
        return self


class LognormalSettings(_BellSettings):
    distribution: Literal["lognormal"]
    median: PositiveFloat
    sigma: float = Field(ge=0, le=5)

    @model_validator(mode="after")
    def _within(self) -> "LognormalSettings":
        logs = NormalDist(log(self.median), self.sigma)
        self.within("median", "sigma", lambda length: logs.cdf(log(length)))
        return self


class UnknownDistribution(Section):
    """What is said of a mapping that names no distribution."""

    distribution: Literal["uniform", "normal", "lognormal"]


def _kind_of(setting: Any) -> str:
    """A tag; those that begin with `vgate.` do not show in errors."""
    if not isinstance(setting, dict | Section):
        return "vgate.number"
    kind = setting.get("distribution") if isinstance(setting, dict) else getattr(setting, "distribution", None)
    return f"vgate.{kind}" if kind in ("uniform", "normal", "lognormal") else "vgate.unknown"


Lengths = Annotated[
    Annotated[Length, Tag("vgate.number")]
    | Annotated[UniformSettings, Tag("vgate.uniform")]
    | Annotated[NormalSettings, Tag("vgate.normal")]
    | Annotated[LognormalSettings, Tag("vgate.lognormal")]
    | Annotated[UnknownDistribution, Tag("vgate.unknown")],
    Discriminator(_kind_of),
]


class _WorkloadSettings(Component):
    stream: bool
    temperature: float = Field(ge=0, le=2)
    ignore_eos: bool
    usage_per_chunk: bool
    tokenizer: str | None

    @field_validator("tokenizer")
    @classmethod
    def _usable(cls, tokenizer: str | None) -> str | None:
        if tokenizer is not None:
            from vgate.workload.tokenizer import one_token_words

            one_token_words(tokenizer)
        return tokenizer


class _WordsSettings(_WorkloadSettings):
    prompt_tokens: Lengths
    output_tokens: Lengths


class SyntheticSettings(_WordsSettings):
    target: Literal["vgate.workload.synthetic.Synthetic"] = Field(alias="_target_")


class ZipfSettings(_WordsSettings):
    target: Literal["vgate.workload.zipf.Zipf"] = Field(alias="_target_")
    repeat_ratio: Share
    pool: int = Field(ge=1, le=1_000_000)
    exponent: float = Field(ge=0, le=10)


class SharedPrefixSettings(_WordsSettings):
    target: Literal["vgate.workload.shared_prefix.SharedPrefix"] = Field(alias="_target_")
    groups: Positive
    prefix_tokens: Lengths


class MultiTurnSettings(_WordsSettings):
    target: Literal["vgate.workload.multi_turn.MultiTurn"] = Field(alias="_target_")
    turns: Lengths
    conversations: Positive


class JsonlSettings(_WorkloadSettings):
    target: Literal["vgate.workload.jsonl.Jsonl"] = Field(alias="_target_")
    max_entries: Positive
    turns: Literal["first", "last", "all"]
    order: Literal["file", "shuffled"]
    conversations: Positive
    output_tokens: Lengths | None
    path: str  # last: its check needs the others

    @field_validator("tokenizer")
    @classmethod
    def _usable(cls, tokenizer: str | None) -> str | None:
        """It only counts what the file says."""
        if tokenizer is not None:
            from vgate.workload.tokenizer import count_tokens

            count_tokens(tokenizer, "")
        return tokenizer

    @field_validator("path", mode="before")
    @classmethod
    def _readable(cls, path: Any, info: ValidationInfo) -> str:
        from vgate.workload.jsonl import check_file

        name = a_file(path)
        if info.data.keys() >= {"turns", "max_entries", "output_tokens"}:
            check_file(name, info.data["turns"], info.data["max_entries"], info.data["output_tokens"] is None)
        return name


class TraceWorkloadSettings(_WorkloadSettings):
    target: Literal["vgate.workload.trace.Trace"] = Field(alias="_target_")
    start_s: NotNegative
    max_rows: Positive
    prompt_scale: PositiveFloat
    output_scale: PositiveFloat
    block_tokens: Positive
    path: str  # last: its check needs the others

    @field_validator("path", mode="before")
    @classmethod
    def _readable(cls, path: Any, info: ValidationInfo) -> str:
        name = with_trace(path, info.data)
        if info.data.keys() >= {"start_s", "max_rows", "prompt_scale", "output_scale"}:
            _bounded(name, info.data)
        return name


def _bounded(path: str, settings: dict[str, Any]) -> None:
    """No request of the trace may be longer than any length may be."""
    from vgate.load.recorded import read_trace

    rows = read_trace(path, settings["start_s"], settings["max_rows"])
    for what, longest in (
        ("prompt", max(row.prompt_tokens for row in rows)),
        ("output", max(row.output_tokens for row in rows)),
    ):
        if longest * settings[f"{what}_scale"] > MOST:
            raise ValueError(f"has a length of {longest} tokens; times workload.{what}_scale it must be at most {MOST}")


WorkloadSettings = Annotated[
    Annotated[SyntheticSettings, Tag("vgate.workload.synthetic.Synthetic")]
    | Annotated[ZipfSettings, Tag("vgate.workload.zipf.Zipf")]
    | Annotated[SharedPrefixSettings, Tag("vgate.workload.shared_prefix.SharedPrefix")]
    | Annotated[MultiTurnSettings, Tag("vgate.workload.multi_turn.MultiTurn")]
    | Annotated[JsonlSettings, Tag("vgate.workload.jsonl.Jsonl")]
    | Annotated[TraceWorkloadSettings, Tag("vgate.workload.trace.Trace")],
    Discriminator(target_of),
]
