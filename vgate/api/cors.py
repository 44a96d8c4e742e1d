"""What pages of other origins may do in a browser, as `server.cors` says."""

from starlette.middleware.cors import CORSMiddleware

from vgate.api.asgi import App, Receive, Scope, Send
from vgate.api.service import Service
from vgate.config.server_schema import CorsSettings


class Cors:
    """Around the whole app, so that pages can read errors too; nothing at all while no origin is allowed.

    Starlette's middleware is plain ASGI: it hands `receive` on as it is, so a client that leaves is seen, and each part
    of an answer as it comes. A preflight is answered here: browsers send no key with it. It reaches nothing else, and
    is no request of the metrics.
    """

    def __init__(self, service: Service, app: App) -> None:
        self._service = service
        self._app = app
        self._settings: CorsSettings | None = None
        self._around = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        settings = self._service.settings.server.cors
        if settings is not self._settings:  # the first request, or the first after a reload
            self._settings, self._around = settings, _around(self._app, settings)
        await self._around(scope, receive, send)


def _around(app: App, settings: CorsSettings) -> App:
    if not settings.allow_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=settings.allow_origins,
        allow_methods=settings.allow_methods,
        allow_headers=settings.allow_headers,
        allow_credentials=settings.allow_credentials,
        expose_headers=settings.expose_headers,
        max_age=settings.max_age_s,
    )
