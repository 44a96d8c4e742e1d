"""What spans say of a request, by OpenTelemetry's own names."""

from typing import Any

import pytest
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes, http_attributes
from opentelemetry.semconv.attributes import error_attributes

from vgate.record import Record
from vgate.tracing.attributes import attributes
from vgate.types import Usage


def record(endpoint: str = "/v1/chat/completions", **fields: Any) -> Record:
    return Record("r", endpoint, "POST", 10.0, **({"status": 200} | fields))


def test_the_names_are_those_of_the_semantic_conventions() -> None:
    known = {
        value
        for module in (gen_ai_attributes, http_attributes, error_attributes)
        for value in vars(module).values()
        if isinstance(value, str)
    }
    full = record(
        stream=True, first_token=10.5, usage=Usage(3, 4), model="m", cache="hit", caller="ann", batch_id=1,
        batch_size=2, code="c", error="e",
    )  # fmt: skip
    ours = {name for name in attributes(full) if not name.startswith("vgate.")}
    assert ours <= known
    assert len(ours) == 11


@pytest.mark.parametrize(
    ("endpoint", "operation"),
    [("/v1/chat/completions", "chat"), ("/v1/completions", "text_completion"), ("/v1/embeddings", "embeddings")],
)
def test_the_operation_is_the_routes(endpoint: str, operation: str) -> None:
    assert attributes(record(endpoint))["gen_ai.operation.name"] == operation


def test_what_is_not_known_is_left_out() -> None:
    assert attributes(record(status=404)).keys() == {
        "http.request.method", "http.route", "http.response.status_code", "error.type", "gen_ai.operation.name",
        "gen_ai.provider.name", "gen_ai.request.stream", "vgate.request_id",
    }  # fmt: skip
    assert attributes(record(status=404))["error.type"] == "404"
