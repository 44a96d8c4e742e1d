"""What goes to a worker."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from vgate.types import Call
from vgate.upstream.tokens import tells
from vgate.workers.worker import Worker

#: All that is ever asked of a worker beside its health: O5.
PATHS: dict[str, str] = {"chat": "/v1/chat/completions", "completions": "/v1/completions"}
EMBEDDINGS = "/v1/embeddings"
_TOKENS = b',"return_token_ids":true}'


@dataclass(frozen=True, slots=True)
class Asking:
    """What goes to a worker.

    model:  the name that is asked for, None for any.
    tokens: those that can are to tell the tokens of a stream too.
    """

    path: str
    body: bytes
    headers: Mapping[str, str]
    model: str | None
    stream: bool
    tokens: bool = False

    def body_for(self, worker: Worker) -> bytes:
        """The body as this worker gets it."""
        return self.body[:-1] + _TOKENS if self.tokens and tells(worker, self.model) else self.body


def asking_of(call: Call, path: str, body: dict[str, Any]) -> Asking:
    """What asks for this body. The call's id goes with it, of which vLLM makes the answer's, and its trace.

    A stream is to end with its usage, whether its client has asked for it or not.
    """
    model = body.get("model")
    if call.stream:
        body = _counted(body)
    headers = {"X-Request-Id": call.id, **(call.trace or {})}
    return Asking(path, orjson.dumps(body), headers, model if isinstance(model, str) else None, call.stream)


def _counted(body: dict[str, Any]) -> dict[str, Any]:
    """Asking for usage; what is wrong with the options is left for the worker to refuse."""
    options = body.get("stream_options")
    if options is not None and (not isinstance(options, dict) or options.get("include_usage") not in (None, False)):
        return body
    # vLLM gives usage in each chunk only together with the chunk of its own.
    kept = {name: value for name, value in (options or {}).items() if name != "continuous_usage_stats"}
    return {**body, "stream_options": {**kept, "include_usage": True}}
