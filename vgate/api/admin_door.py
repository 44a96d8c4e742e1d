"""The way to the admin routes by TCP; by the Unix socket there is none in between."""

import asyncio

from starlette.responses import JSONResponse

from vgate.admin.base import Admin
from vgate.api.asgi import App, Message, Receive, Scope, Send, header
from vgate.errors import ApiError, TooLarge

# The page without data, which asks for the token.
OPEN = frozenset({"/dashboard"})
MAX_BODY_BYTES = 1 << 20


class Door:
    """Lets in who shows the token; nothing of the body is read before."""

    def __init__(self, admin: Admin, app: App) -> None:
        self._admin = admin
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] not in OPEN:
            try:
                self._admin.check(header(scope, b"authorization"), asyncio.get_running_loop().time())
            except ApiError as error:
                await JSONResponse(error.body(), error.status, error.headers)(scope, receive, send)
                return
        await self._app(scope, bounded(receive, MAX_BODY_BYTES), send)


def bounded(receive: Receive, limit: int) -> Receive:
    """`receive` that raises TooLarge beyond so many bytes of body."""
    size = 0

    async def received() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise TooLarge(limit, "the admin routes take no more")
        return message

    return received
