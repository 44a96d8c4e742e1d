"""The public app: which paths there are and what answers them."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.routing import Route

import vgate
from vgate.api.asgi import App
from vgate.api.cors import Cors
from vgate.api.edge import Edge
from vgate.api.generate import Generate
from vgate.api.http_errors import ERRORS_ANSWERED
from vgate.api.openapi import describe
from vgate.api.service import Service
from vgate.api.stats import is_open
from vgate.api.stats import stats as server_stats
from vgate.errors import UnknownModel
from vgate.types import Endpoint

GENERATING: dict[str, Endpoint] = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "completions",
    "/v1/embeddings": "embeddings",
}


def build_app(service: Service) -> App:
    """The whole public server as one ASGI app."""
    app = FastAPI(title="V-Gate", version=vgate.__version__, docs_url=None, redoc_url=None, redirect_slashes=False)
    generating = {path: Generate(service, endpoint) for path, endpoint in GENERATING.items()}
    # POST never gets here; the routes are there for the other methods' 405.
    app.router.routes.extend(Route(path, route, methods=["POST"]) for path, route in generating.items())
    _add_models(app, service)
    _add_operations(app, service)
    service.metrics.watch_cache(lambda: service.gateway.cache.held)
    for kind, answered in ERRORS_ANSWERED.items():
        app.add_exception_handler(kind, answered)
    describe(app, service)
    paths = frozenset(route.path for route in app.router.routes if isinstance(route, Route))
    return Cors(service, Edge(service, generating, app, paths))


def _add_models(app: FastAPI, service: Service) -> None:
    @app.get("/v1/models", summary="The served models.")
    async def models(request: Request) -> dict[str, Any]:
        return {"object": "list", "data": _models_for(request, service)}

    @app.get("/v1/models/{model:path}", summary="One of them.")
    async def one_model(request: Request, model: str) -> dict[str, Any]:
        for found in _models_for(request, service):
            if found["id"] == model:
                return found
        raise UnknownModel(model)


def _models_for(request: Request, service: Service) -> list[dict[str, Any]]:
    allowed = request.scope["vgate.caller"].models
    return [model for model in service.models() if allowed is None or model["id"] in allowed]


def _add_operations(app: FastAPI, service: Service) -> None:
    @app.get("/health", summary="Alive: the process answers.")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready", summary="200 when every engine can answer, else 503.")
    async def ready() -> Response:
        return JSONResponse({"ready": service.ready}, 200 if service.ready else 503)

    @app.get("/metrics", summary="Prometheus metrics.")
    async def metrics(request: Request) -> Response:
        body, content_type = service.metrics.answer(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type})

    @app.get("/stats", summary="State, the last minute and the server's own metrics as JSON.")
    async def stats() -> dict[str, Any]:
        return server_stats(service, whole=is_open(service))
