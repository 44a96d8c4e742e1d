"""What a span says of a request, in OpenTelemetry's words: HTTP's, and those for generative AI, as of 2026."""

from typing import Any

from vgate.record import Record

_OPERATIONS = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "text_completion",
    "/v1/embeddings": "embeddings",
}


def attributes(record: Record) -> dict[str, Any]:
    """Of a request that has ended; never its text. What is not known is left out."""
    usage = record.usage
    failed = record.status >= 400 or bool(record.error)
    found = {
        "http.request.method": record.method,
        "http.route": record.endpoint,
        "http.response.status_code": record.status,
        "error.type": (record.code or str(record.status)) if failed else None,
        "gen_ai.operation.name": _OPERATIONS.get(record.endpoint),
        "gen_ai.provider.name": "vgate",
        "gen_ai.request.model": record.model,
        "gen_ai.request.stream": record.stream,
        "gen_ai.usage.input_tokens": usage.prompt_tokens if usage else None,
        "gen_ai.usage.output_tokens": usage.completion_tokens if usage else None,
        "gen_ai.response.time_to_first_chunk": record.ttft_s if record.stream else None,
        "vgate.request_id": record.request_id,
        "vgate.key_name": None if record.caller in ("", "anonymous") else record.caller,
        "vgate.cache": record.cache or None,
        "vgate.batch.id": record.batch_id,
        "vgate.batch.size": record.batch_size,
    }
    return {name: value for name, value in found.items() if value is not None}
