"""No number of a configuration may be NaN or infinite: bounds let NaN through, for no comparison with it is true."""

import math
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

import vgate.config.bench_schema
import vgate.config.seek_schema  # noqa: F401 - the sections of all programs are known
from tests.config.composing import wrong
from vgate.config.sections import Section


def sections(base: type[Section] = Section) -> Iterator[type[Section]]:
    for section in base.__subclasses__():
        if section.__module__.startswith("vgate."):
            yield section
        yield from sections(section)


def is_numeric(annotation: Any) -> bool:
    return annotation in (int, float) or any(is_numeric(inner) for inner in typing.get_args(annotation))


NUMERIC = sorted(
    {
        (section, name)
        for section in sections()
        for name, field in section.model_fields.items()
        if is_numeric(field.annotation)
    },
    key=str,
)


def test_there_are_many() -> None:
    assert len(NUMERIC) > 80


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("section", "name"), NUMERIC, ids=lambda part: getattr(part, "__name__", part))
def test_every_number_must_be_finite(section: type[Section], name: str, value: float) -> None:
    with pytest.raises(ValidationError) as refused:
        section.model_validate({name: value})
    assert name in {error["loc"][0] for error in refused.value.errors()}


@pytest.mark.parametrize(
    "setting", ["slo.ttft_ms", "workload.temperature", "model.gpu_memory_utilization", "trial.warmup_s"]
)
def test_it_is_told_with_its_key(setting: str) -> None:
    line = wrong(f"{setting}=nan", program="bench")
    assert line == f"{setting} = nan (from the command line): must be a finite number"
