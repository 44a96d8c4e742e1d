"""The generating routes in the server's OpenAPI document: they are plain ASGI, which FastAPI does not describe."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

_REQUIRED = {"chat": ["messages"], "completions": ["prompt"], "embeddings": ["input"]}


def describe(app: FastAPI, generating: Mapping[str, str]) -> None:
    """Add `POST` of each path in `generating` (path -> endpoint) to `/openapi.json`."""
    document = app.openapi

    def with_generating() -> dict[str, Any]:
        described = document()
        for path, endpoint in generating.items():
            described["paths"].setdefault(path, {"post": _operation(endpoint)})
        return described

    app.openapi = with_generating  # type: ignore[method-assign]  # the way FastAPI's documentation extends it


def _operation(endpoint: str) -> dict[str, Any]:
    body = {"type": "object", "required": _REQUIRED[endpoint], "properties": {"model": {"type": "string"}}}
    error = {
        "description": "An error in OpenAI's form.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
    answer = {"application/json": {"schema": {"type": "object"}}}
    if endpoint != "embeddings":
        answer["text/event-stream"] = {"schema": {"type": "string"}}
    return {
        "summary": f"OpenAI's {endpoint} endpoint; unknown fields are refused.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {"200": {"description": "The answer.", "content": answer}, "4XX": error, "5XX": error},
    }
