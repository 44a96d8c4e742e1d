"""The section `workload`: types and bounds. Values and their meaning: the files under `conf/workload/`."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator

from vgate.config.load_schema import a_file, with_trace
from vgate.config.sections import Component, NotNegative, Positive, PositiveFloat, Section, Share, target_of


class UniformSettings(Section):
    distribution: Literal["uniform"]
    min: Positive
    max: Positive

    @model_validator(mode="after")
    def _ordered(self) -> "UniformSettings":
        if self.max < self.min:
            raise ValueError("max must not be less than min")
        return self


class _BellSettings(Section):
    min: Positive = 1
    max: Positive | None = None

    def middle_within(self, name: str, middle: float) -> None:
        """Or draws would hardly ever fall between min and max."""
        if not self.min <= middle <= (self.max or middle):
            raise ValueError(f"{name} must lie between min and max")


class NormalSettings(_BellSettings):
    distribution: Literal["normal"]
    mean: PositiveFloat
    stddev: NotNegative

    @model_validator(mode="after")
    def _within(self) -> "NormalSettings":
        self.middle_within("mean", self.mean)
        return self


class LognormalSettings(_BellSettings):
    distribution: Literal["lognormal"]
    median: PositiveFloat
    sigma: float = Field(ge=0, le=5)

    @model_validator(mode="after")
    def _within(self) -> "LognormalSettings":
        self.middle_within("median", self.median)
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
    Annotated[Positive, Tag("vgate.number")]
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
        return with_trace(path, info.data)


WorkloadSettings = Annotated[
    Annotated[SyntheticSettings, Tag("vgate.workload.synthetic.Synthetic")]
    | Annotated[ZipfSettings, Tag("vgate.workload.zipf.Zipf")]
    | Annotated[SharedPrefixSettings, Tag("vgate.workload.shared_prefix.SharedPrefix")]
    | Annotated[MultiTurnSettings, Tag("vgate.workload.multi_turn.MultiTurn")]
    | Annotated[JsonlSettings, Tag("vgate.workload.jsonl.Jsonl")]
    | Annotated[TraceWorkloadSettings, Tag("vgate.workload.trace.Trace")],
    Discriminator(target_of),
]
