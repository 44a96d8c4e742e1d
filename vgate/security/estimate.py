"""How many tokens a request may cost, before anything has counted them."""

from typing import Any

import orjson

from vgate.types import Call

# Reserved for an answer that sets no length, where the model's context is not known either.
UNKNOWN_CONTEXT = 4096


def upper_tokens(call: Call, tokens_per_byte: float, unset_max_tokens: int | None, context: int | None) -> int:
    """An estimate that should be too high: `tokens_per_byte` of the body, and the longest answer.

    The longest answer is `max_completion_tokens` or `max_tokens`, without either `unset_max_tokens`, or else the
    model's context; for each of `n` choices and each of several prompts. Prompt and answer together are at most
    `context` tokens.
    """
    prompt = int(len(orjson.dumps(call.body)) * tokens_per_byte) + 1
    if call.endpoint == "embeddings":
        return prompt
    asked = _length(call.body) or unset_max_tokens or context or UNKNOWN_CONTEXT
    answers = _choices(call.body) * _prompts(call.body)
    return (
        prompt + asked * answers if context is None else min(prompt + min(asked, context) * answers, context * answers)
    )


def _length(body: dict[str, Any]) -> int | None:
    """What is no length is refused by the engine, and costs nothing then."""
    given = (_whole(body.get(name)) for name in ("max_completion_tokens", "max_tokens"))
    return next((length for length in given if length > 0), None)


def _choices(body: dict[str, Any]) -> int:
    return max(1, _whole(body.get("n")), _whole(body.get("best_of")))


def _whole(value: object) -> int:
    """As vLLM reads it, which takes 5.0 and "5" for 5; 0 for what is no number."""
    if not isinstance(value, int | float | str):
        return 0
    try:
        return int(value if isinstance(value, int) else float(value))
    except (ValueError, OverflowError):
        return 0


def _prompts(body: dict[str, Any]) -> int:
    prompt = body.get("prompt")
    several = isinstance(prompt, list) and bool(prompt) and isinstance(prompt[0], str | list)
    return len(prompt) if several and isinstance(prompt, list) else 1
