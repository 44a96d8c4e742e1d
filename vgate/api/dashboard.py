"""The live page at `/dashboard`: one HTML file with its style and script, and the numbers it shows."""

import asyncio
import base64
import hashlib
from pathlib import Path

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from vgate.api.dashboard_data import dashboard_data
from vgate.api.service import Service

_LIVE = Path(__file__).parent / "live"
# The report's, so that both look alike; then what the live page has of its own.
_STYLES = (Path(__file__).parents[1] / "harness/page/style.css", _LIVE / "live.css")
_SCRIPTS = tuple(_LIVE / name for name in ("format.js", "history.js", "chart.js", "show.js", "watch.js"))


def dashboard_routes(service: Service) -> list[Route]:
    """`GET /dashboard` is the page, which holds no data and asks for the admin token; `GET /dashboard/data` is JSON."""
    page, headers = live_page()

    async def show(_request: Request) -> Response:
        return HTMLResponse(page, headers=headers)

    async def data(_request: Request) -> Response:
        content = orjson.dumps(await dashboard_data(service, asyncio.get_running_loop().time()))
        return Response(content, headers={"cache-control": "no-store"}, media_type="application/json")

    return [Route("/dashboard", show, methods=["GET"]), Route("/dashboard/data", data, methods=["GET"])]


def live_page() -> tuple[str, dict[str, str]]:
    """The page and its headers. They allow it its own style and script, by their hashes, and its own server to ask."""
    style = "\n" + "".join(_text(path) for path in _STYLES)
    script = '\n"use strict";\n' + "".join(_text(path) for path in _SCRIPTS)
    page = _text(_LIVE / "page.html").replace("{{ style }}", style).replace("{{ script }}", script)
    policy = {
        "default-src": "'none'",
        "style-src": _hashed(style),
        "script-src": _hashed(script),
        "img-src": "data:",  # the icon, which is none: else browsers ask for /favicon.ico
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    headers = {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return page, headers


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
