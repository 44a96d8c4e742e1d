"""Refusing request fields that would otherwise be accepted and have no effect."""

from collections.abc import Iterable, Mapping
from typing import Any

from vgate.config.errors import nearest
from vgate.errors import BadRequest


def refuse_unknown(body: Mapping[str, Any], known: Iterable[str]) -> None:
    """BadRequest for the first field that is not known, with the nearest one that is."""
    names = set(known)
    for field in body:
        if field not in names:
            shown = field[:80]
            message = f"Unrecognized request argument: {shown}{nearest(shown, names)}"
            raise BadRequest(message, shown, "unknown_field")


def refuse_unsupported(body: Mapping[str, Any], unsupported: Mapping[str, str]) -> None:
    """BadRequest for the first field set that this engine cannot honour. `unsupported`: field -> why."""
    for field, why in unsupported.items():
        if body.get(field) is not None:
            raise BadRequest(f"{field} is not supported here: {why}", field, "unsupported_field")
