"""The server's OpenAPI document: `openapi.yaml`, and what the configuration adds to it."""

from pathlib import Path
from typing import Any

import yaml
from fastapi import FastAPI

import vgate
from vgate.api.service import Service

_FILE = Path(__file__).with_name("openapi.yaml")
# The one in C takes a tenth of the time, in which nobody is answered.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_REFUSALS = {"401": "Unauthorized", "429": "TooMany"}
_LIMITS = {
    "X-RateLimit-Limit": "RateLimit",
    "X-RateLimit-Remaining": "RateRemaining",
    "X-RateLimit-Reset": "RateReset",
    "X-RateLimit-Limit-Tokens": "TokenLimit",
    "X-RateLimit-Remaining-Tokens": "TokensRemaining",
    "X-RateLimit-Reset-Tokens": "TokensReset",
}


def describe(app: FastAPI, service: Service) -> None:
    """Serve the document as `/openapi.json`, in the place of what FastAPI makes of the routes that it knows."""
    written = _FILE.read_bytes()

    def openapi() -> dict[str, Any]:
        # Read anew each time: what is asked for once by a client costs nothing until then.
        return document(yaml.load(written, _LOADER), service)  # noqa: S506  either is a safe one

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI's documentation extends it


def document(described: dict[str, Any], service: Service) -> dict[str, Any]:
    """What is written in the file, as this server is configured now."""
    described["info"]["version"] = vgate.__version__
    del described["x-shared"]
    exempt = getattr(service.settings.security, "exempt_paths", None)
    if exempt is None:
        del described["components"]["securitySchemes"]
        return described
    for path, operations in described["paths"].items():
        if path not in exempt:
            for operation in operations.values():
                _with_key(operation)
    return described


def _with_key(operation: dict[str, Any]) -> None:
    operation["security"] = [{"key": []}]
    limits = {name: {"$ref": f"#/components/headers/{of}"} for name, of in _LIMITS.items()}
    for status, answer in operation["responses"].items():
        if "headers" in answer:
            operation["responses"][status] = {**answer, "headers": {**answer["headers"], **limits}}
    for status, name in _REFUSALS.items():
        operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
