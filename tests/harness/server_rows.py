"""The server's rows made by hand, in milliseconds, for exact tests."""

import json
from typing import Any

import pandas as pd

from tests.harness.rows import MS
from vgate.harness import server_records

STAMPS = ("arrived", "queued", "admitted", "scheduled", "first_token", "last_token", "answered")


def served(request_id: str, *stamps: float | None, held: float = 0.0, **changes: Any) -> dict[str, Any]:
    """A generation of its own with STAMPS; call and source are `c<request_id>`."""
    made: dict[str, Any] = {
        "request_id": request_id,
        "call_id": f"c{request_id}",
        "source_id": f"c{request_id}",
        "status": 200,
        "cache": "miss",
        "held_ns": round(held * MS),
        "prompt_tokens": 4,
        "completion_tokens": 3,
        "engine_prompt_tokens": 4,
        "engine_tokens": 3,
    }
    moments = zip(STAMPS, stamps, strict=True)
    made |= {f"t_{name}": None if moment is None else round(moment * MS) for name, moment in moments}
    return made | {"t_finished": made["t_answered"]} | changes


def hit(request_id: str, arrived: float, answered: float, source: str, **changes: Any) -> dict[str, Any]:
    """An answer that was not generated for it: stored, joined, or an error."""
    nothing = dict.fromkeys(("engine_prompt_tokens", "engine_tokens"))
    made = served(request_id, arrived, None, None, None, None, None, answered, cache="hit", source_id=source)
    return made | nothing | changes


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    """As the server's lines become a frame."""
    return server_records.frame("\n".join(json.dumps(row) for row in rows))
