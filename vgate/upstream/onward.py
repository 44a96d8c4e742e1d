"""Asking another worker for the rest of a stream: how, depends on the worker and on what was said."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from vgate.types import Call
from vgate.upstream.asking import PATHS, Asking, asking_of
from vgate.upstream.said import Again, Onward, Said
from vgate.upstream.tokens import Tokens, tells
from vgate.workers.worker import Worker

# What a request for the rest takes over; none of it looks at how much of a text is prompt and how much is answer.
_SAMPLING = frozenset(
    {
        *("model", "temperature", "top_p", "top_k", "min_p", "logit_bias", "repetition_penalty", "seed"),
        *("ignore_eos", "stop_token_ids", "user", "cache_salt", "priority"),
    }
)
# What is neither taken over nor seen to here; these do not matter where they are not set.
_NEUTRAL = frozenset({"stop", "min_tokens", "frequency_penalty", "presence_penalty", "include_stop_str_in_output"})
_LENGTHS = ("max_completion_tokens", "max_tokens")

Rest = tuple[Asking, Callable[[bytes], bytes | None]]


def continued(call: Call, asking: Asking, said: Said, worker: Worker) -> Rest:
    """What to ask the worker, and what of its stream goes to the client."""
    rest = None
    if said.text and not said.finished:
        if tells(worker, asking.model):
            rest = _by_tokens(call, said)
        elif call.endpoint == "chat" and _continues(worker, asking.model):
            rest = _by_words(call, said)
    if rest is None:
        said.tokens = Tokens()  # they come again too
        return asking, Again(said.text, finished=said.finished)
    return rest


def _continues(worker: Worker, model: str | None) -> bool:
    """Whether it is known to continue the text of a message exactly: V-Gate's dry-run engine, whose tokens are words.

    Others split a text into other tokens than those that they had made, and go on with other words.
    """
    return any(card.get("owned_by") == "vgate" for card in worker.told or () if model in {None, card.get("id")})


def _by_words(call: Call, said: Said) -> Rest | None:
    tokens = len(said.text.split())
    lengths = _shortened(call.body, tokens)
    if lengths is None:
        return None
    body = {**call.body, "messages": [*call.body["messages"], {"role": "assistant", "content": said.text}], **lengths}
    body |= {"continue_final_message": True, "add_generation_prompt": False}
    return asking_of(call, PATHS["chat"], body), Onward(tokens)


def _by_tokens(call: Call, said: Said) -> Rest | None:
    """Where a length is asked for: without one, servers do not agree how long an answer may be."""
    tokens, body = said.tokens, call.body
    lengths = _shortened(body, tokens.known)
    if not (tokens.usable and lengths and body.get("temperature") == 0) or any(body.get(name) for name in _NEUTRAL):
        return None
    tokens.rewind()
    kept: dict[str, Any] = {name: value for name, value in body.items() if name in _SAMPLING}
    kept |= {"prompt": tokens.ids(), "max_tokens": min(lengths.values()), "stream": True}
    asking = replace(asking_of(call, PATHS["completions"], kept), tokens=True)
    return asking, Onward(tokens.known, said.text[tokens.length :], as_chat=call.endpoint == "chat")


def _shortened(body: dict[str, Any], tokens: int) -> dict[str, int] | None:
    """The lengths that are asked for, less what was said; None where nothing is left."""
    lengths = {name: body[name] - tokens for name in _LENGTHS if body.get(name) is not None}
    return None if any(length < 1 for length in lengths.values()) else lengths
