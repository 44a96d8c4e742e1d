"""Asking another worker for the rest of a stream: how, depends on the worker and on what was said."""

from collections.abc import Callable
from typing import Any

from vgate.types import Call
from vgate.upstream.opening import Asking, asking_of
from vgate.upstream.said import Again, Onward, Said
from vgate.workers.worker import Worker


def continued(call: Call, asking: Asking, said: Said, worker: Worker) -> tuple[Asking, Callable[[bytes], bytes | None]]:
    """What to ask the worker, and what of its stream goes to the client."""
    if call.endpoint == "chat" and said.text and not said.finished and _continues(worker, asking.model):
        tokens = len(said.text.split())
        body = _rest(call.body, said.text, tokens)
        if body is not None:
            return asking_of(call, asking.path, body), Onward(tokens)
    return asking, Again(said)


def _continues(worker: Worker, model: str | None) -> bool:
    """Whether it is known to continue the text of a message exactly: V-Gate's dry-run engine, whose tokens are words.

    Others split a text into other tokens than those that they had made, and go on with other words.
    """
    return any(card.get("owned_by") == "vgate" for card in worker.told or () if model in (None, card.get("id")))


def _rest(body: dict[str, Any], text: str, tokens: int) -> dict[str, Any] | None:
    """The request for the rest; None where nothing is left to say."""
    changed = {**body, "messages": [*body["messages"], {"role": "assistant", "content": text}]}
    changed |= {"continue_final_message": True, "add_generation_prompt": False}
    for name in ("max_tokens", "max_completion_tokens"):
        if body.get(name) is not None:
            changed[name] = body[name] - tokens
            if changed[name] < 1:
                return None
    return changed
