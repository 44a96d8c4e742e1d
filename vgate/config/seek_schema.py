"""The sections of `vgate.capacity` and `vgate.search`: types and bounds. Their meaning: conf/<program>.yaml."""

from pydantic import Field

from vgate.config.bench_schema import BenchSettings
from vgate.config.sections import Positive, PositiveFloat, Section


class CapacitySection(Section):
    percentile: float = Field(ge=50, le=99.9)
    tolerance: float = Field(ge=0.01, le=0.5)
    lowest_rate: PositiveFloat
    highest_rate: PositiveFloat
    shortest_s: PositiveFloat
    longest_s: PositiveFloat
    max_minutes: PositiveFloat


class CapacitySettings(BenchSettings):
    """A capacity search's whole configuration, validated."""

    capacity: CapacitySection


class SearchSection(Section):
    trials: Positive
    random_trials: Positive
    stay: Positive
    confirm: Positive
    confirm_rounds: int = Field(ge=3)


class SearchSettings(BenchSettings):
    """A search's whole configuration, validated."""

    search: SearchSection
