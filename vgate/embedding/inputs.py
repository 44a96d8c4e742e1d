"""Reading `input` of a request: its items, with errors that name the one that is wrong."""

from typing import Any, cast

from vgate.embedding.base import Input
from vgate.errors import ApiError, BadRequest

_ALLOWED = "text, a list of texts, token ids, or a list of lists of token ids"


def read_inputs(body: dict[str, Any], at_most: int) -> list[Input]:
    """The items in order: of a text or of token ids, one. BadRequest for what is empty or of a wrong type."""
    value = body.get("input")
    if isinstance(value, str) or _is_ids(value):
        inputs = [value]
    elif isinstance(value, list):
        inputs = value
    else:
        raise BadRequest(f"input: must be {_ALLOWED}, got {_shown(value)}", "input")
    if not inputs:
        raise BadRequest("input: must hold at least one item", "input")
    if len(inputs) > at_most:
        message = f"input: at most {at_most} items in a request (embedding.max_waiting_items), got {len(inputs)}"
        raise BadRequest(message, "input")
    for index, item in enumerate(inputs):
        _check(item, index, type(inputs[0]))
    return cast("list[Input]", inputs)


def _is_ids(value: Any) -> bool:
    """Whether the first element says that this is one item of token ids, and no list of items."""
    return isinstance(value, list) and bool(value) and type(value[0]) is int


def _check(item: Any, index: int, kind: type) -> None:
    if not isinstance(item, str | list) or type(item) is not kind:
        others = f", {'text' if kind is str else 'token ids'} like the first" if kind in (str, list) else ""
        raise BadRequest(f"input[{index}]: must be text or a list of token ids{others}, got {_shown(item)}", "input")
    if not item:
        raise BadRequest(f"input[{index}]: is empty", "input")
    if isinstance(item, list):
        wrong = next((token for token in item if type(token) is not int or token < 0), None)
        if wrong is not None:
            raise BadRequest(f"input[{index}]: token ids are whole numbers from 0, got {_shown(wrong)}", "input")


def _shown(value: Any) -> str:
    return repr(value)[:80] if isinstance(value, int | float | bool | None) else type(value).__name__


def too_long(index: int, tokens: int, most: int) -> ApiError:
    """An item of more tokens than the model reads."""
    message = f"input[{index}]: {tokens} tokens, but this model reads at most {most}"
    return BadRequest(message, "input", "context_length_exceeded")


def one_of(name: str | None, served: list[str]) -> str:
    """The served model that a request names; the first where it names none. Raises ApiError 404."""
    if name is not None and name not in served:
        message = f"The model `{name[:80]}` does not exist. Served: {', '.join(served)}"
        raise ApiError(404, message, "not_found_error", "model")
    return name or served[0]
