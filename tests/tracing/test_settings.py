"""Wrong settings of tracing, and its headers, which are secret whatever they are called."""

import json
from pathlib import Path

import pytest

from tests.config.composing import serve, written, wrong
from vgate.config.secrets import without_secrets

OTLP = ("+preset=dry_run", "tracing=otlp")


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("tracing.endpoint=localhost:4318", "must begin with http:// or https://"),
        ("tracing.protocol=grpc", "must be 'http/protobuf'"),
        ("tracing.sample_ratio=1.5", "must be less than or equal to 1"),
        ("tracing.max_queue_spans=0", "must be greater than or equal to 1"),
        ("tracing.timeout_s=0", "must be greater than 0"),
        ("tracing.service_name=''", "must have at least 1 character"),
    ],
)
def test_a_wrong_value_is_told_in_one_line(setting: str, why: str) -> None:
    line = wrong(*OTLP, setting)
    assert line.startswith(setting.partition("=")[0])
    assert why in line


@pytest.mark.parametrize("headers", ["{x-team: s3cret}", "{authorization: Bearer s3cret, x-team: s3cret}"])
def test_headers_are_shown_nowhere(headers: str) -> None:
    settings = serve(*OTLP, f"tracing.headers={headers}").settings
    shown = json.dumps(without_secrets(settings.model_dump(by_alias=True)))
    assert "s3cret" not in shown + repr(settings)
    assert "x-team" in shown


@pytest.mark.parametrize("headers", ['{x-team: "s3cret\\tx"}', '{"": s3cret}', '{"ä": s3cret}', "{x-team: [s3cret]}"])
def test_nor_where_one_is_wrong(headers: str, tmp_path: Path) -> None:
    line = wrong(*OTLP, **written(tmp_path, f"tracing: {{headers: {headers}}}"))
    assert line.startswith("tracing.headers")
    assert "s3cret" not in line


def test_without_the_packages_the_line_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vgate.config.tracing_schema.importlib.util.find_spec", lambda name: None)
    assert "pip install 'vgate[otel]'" in wrong(*OTLP)
