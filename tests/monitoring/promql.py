"""What a PromQL expression asks for, as far as this project writes them."""

import re
from collections.abc import Iterator

_STRING = r'"(?:[^"\\]|\\.)*"'
_GROUPING = r"\b(?:by|on|ignoring|without|group_left|group_right)\s*\(([^)]*)\)"
_SELECTOR = r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}"
_WORDS = frozenset({"by", "on", "and", "or", "unless", "offset", "bool", "Inf"})


def selectors(query: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric with the labels that it is chosen by."""
    bare = re.sub(r"\[[^\]]*\]", "", re.sub(_STRING, '""', query))
    bare = re.sub(_GROUPING, "", bare)
    for name, inner in re.findall(_SELECTOR, bare):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inner))
    rest = re.sub(_SELECTOR, "", bare)
    for name in re.findall(r"(?<![\w.:])([a-zA-Z_:][\w:]*)(?!\s*\(|[\w:])", rest):
        if name not in _WORDS:
            yield name, set()


def grouped_by(query: str) -> set[str]:
    """The labels that are kept or joined on."""
    return {label.strip() for inner in re.findall(_GROUPING, query) for label in inner.split(",") if label.strip()}
