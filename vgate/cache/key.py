"""When two requests are the same request: the key shared by cache and dedup."""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from vgate.forms import formless
from vgate.types import Call

# Raise when the meaning of stored answers changes.
_FORMAT = 2


@dataclass(frozen=True, slots=True)
class Sharing:
    """Which requests may share an answer.

    scope:   "key": only requests of one API key, or of those with its `cache_scope`; "shared": anybody's.
    sampled: whether answers drawn at random (temperature > 0, no seed) may be shared too.
    """

    scope: Literal["key", "shared"]
    sampled: bool

    def refuses(self, call: Call, defaults: dict[str, Any]) -> str | None:
        """Why this call may not share, in one word for a header; None when it may.

        "no-store": its client forbids it. "no-caller": only its caller may share, and who that is is not known.
        Without API keys everybody is the one caller "anonymous". "sampled": its answer is drawn at random.
        """
        if not call.cache_control.store:
            return "no-store"
        if self.scope == "key" and not call.caller:
            return "no-caller"
        return None if self.sampled or is_repeatable(call, defaults) else "sampled"

    def key(self, call: Call, fingerprint: str) -> bytes:
        """SHA-256 over everything that can change the answer.

        That is the engine's fingerprint (model, revision, template, defaults), the endpoint, whose answers it
        may share, and every field of the body, known or not; whether it is to be streamed only where that may say
        something else. Order of JSON keys and white space do not matter.
        """
        body = formless(call)
        asked = call.body if body is None else body
        sharer = (call.shares_as or call.caller) if self.scope == "key" else None
        identity = [_FORMAT, fingerprint, call.endpoint, sharer, asked]
        return hashlib.sha256(orjson.dumps(identity, option=orjson.OPT_SORT_KEYS)).digest()


def is_repeatable(call: Call, defaults: dict[str, Any]) -> bool:
    """Whether asking again is to give the same answer: embeddings, greedy decoding, or a seed.

    A temperature that is left out counts as the server's default, not as 0. A seed of -1 is vLLM's word for none.
    """
    if call.endpoint == "embeddings" or call.body.get("seed") not in (None, -1):
        return True
    temperature = call.body.get("temperature")
    if temperature is None:
        temperature = defaults.get("temperature", 1.0)
    return bool(temperature == 0)
