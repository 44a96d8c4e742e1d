"""Fields of what a server sent, which may be anything."""

from __future__ import annotations

from typing import Any, TypeVar

from vgate.client.errors import ResponseError

Json = dict[str, Any]
V = TypeVar("V")


def get(raw: Json, key: str, kind: type[V]) -> V | None:
    """The value of a field that may be missing or null. Raises ResponseError where it is of another kind."""
    value = raw.get(key)
    if value is not None and not isinstance(value, kind):
        raise ResponseError(f"{key!r} in the answer must be {kind.__name__}, not {str(value)[:80]!r}")
    return value


def need(raw: Json, key: str, kind: type[V]) -> V:
    """The value of a field that must be there. Raises ResponseError."""
    value = get(raw, key, kind)
    if value is None:
        raise ResponseError(f"the answer has no {key!r}: {str(raw)[:200]}")
    return value


def objects(raw: Json, key: str, optional: bool = False) -> list[Json]:
    """The objects in a list. Raises ResponseError."""
    items: list[Any] = (get(raw, key, list) or []) if optional else need(raw, key, list)
    if not all(isinstance(item, dict) for item in items):
        raise ResponseError(f"{key!r} in the answer must be a list of objects, not {str(items)[:80]}")
    return items
