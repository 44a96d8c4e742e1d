"""The harness's routes: what became of each request, and who is where now."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from vgate.api.admin_door import MAX_BODY_BYTES
from vgate.api.asgi import read_json
from vgate.api.service import Service
from vgate.errors import ApiError, BadRequest

MAX_RECORDS = 1_000_000  # about 700 bytes each
# Lines sent at a time; then others have their turn on the event loop.
_TURN = 500


def record_routes(service: Service) -> list[Route]:
    """`PUT /records` with `{"limit": N}` begins to keep records, `GET` reads them, `DELETE` ends it and forgets them.

    They come as lines of JSON, see `vgate.observe.recorder.row`; `X-VGate-Dropped` says for how many there was no room.
    `GET /gauges` is one JSON object, see `gauges`.
    """

    async def begin(request: Request) -> Response:
        service.recorder.start(await _limit(request))
        return JSONResponse({"ok": True})

    async def read(_request: Request) -> Response:
        lines = service.recorder.kept
        if lines is None:
            error = ApiError(404, "no records are kept; PUT /records begins it", code="not_found")
            return JSONResponse(error.body(), error.status)
        headers = {"x-vgate-dropped": str(service.recorder.dropped)}
        return StreamingResponse(_in_turns(lines), headers=headers, media_type="application/x-ndjson")

    async def end(_request: Request) -> Response:
        service.recorder.stop()
        return JSONResponse({"ok": True})

    async def now(_request: Request) -> Response:
        return JSONResponse(gauges(service))

    return [
        Route("/records", begin, methods=["PUT"]),
        Route("/records", read, methods=["GET"]),
        Route("/records", end, methods=["DELETE"]),
        Route("/gauges", now, methods=["GET"]),
    ]


def gauges(service: Service) -> dict[str, Any]:
    """Who is where now. `t`: CLOCK_MONOTONIC nanoseconds; the rest as in `Recorder` and, of the engine, `Occupancy`."""
    recorder, engine = service.recorder, service.engine.occupancy
    return {
        "t": time.monotonic_ns(),
        "in_flight": recorder.in_flight,
        "waiting": recorder.waiting_now,
        "running": recorder.running_now,
        "batch_size": recorder.batch_size,
        "engine_waiting": engine.waiting,
        "engine_running": engine.running,
        "kv_usage": engine.kv_usage,
    }


async def _limit(request: Request) -> int:
    limit = (await read_json(request.scope, request.receive, MAX_BODY_BYTES)).get("limit")
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_RECORDS:
        raise BadRequest(f"limit must be a whole number from 1 to {MAX_RECORDS}, got {limit!r}", "limit")
    return limit


async def _in_turns(lines: list[bytes]) -> AsyncIterator[bytes]:
    for begin in range(0, len(lines), _TURN):
        yield b"".join(lines[begin : begin + _TURN])
        await asyncio.sleep(0)
