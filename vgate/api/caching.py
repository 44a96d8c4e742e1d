"""What a request asks of the response cache, in RFC 9111's words where it has them."""

import re
from collections.abc import Iterator

from vgate.api.asgi import Scope
from vgate.errors import BadRequest
from vgate.types import CacheControl

TTL_HEADER = "X-VGate-Cache-TTL"
_SECONDS = re.compile(r"[0-9]{1,10}")
# A directive: a name, and after "=" a token or a quoted string, which may contain commas. Or nothing.
# Nothing is tried twice (`*+`): a header of blanks would else take minutes, in which nobody is answered.
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_VALUE = r'"(?:[^"\\]|\\.)*+"|[^\s,;"]*+'
_DIRECTIVE = re.compile(rf"\s*+(?:({_NAME})(?:\s*+=\s*+({_VALUE}))?+\s*+)?+(?:,|$)")
_DEFAULT = CacheControl()


def asked(scope: Scope) -> CacheControl:
    """What `Cache-Control` and `X-VGate-Cache-TTL` say; raises BadRequest for a value that cannot be read.

    `no-cache` and `max-age=0`: a new answer, which is stored. `no-store`: neither from the cache nor into it.
    `max-age=N`: stored at most N seconds ago. Other directives are ignored, as RFC 9111 (5.2.3) wants it.
    """
    given = _values(scope, b"cache-control")
    lifetimes = _values(scope, TTL_HEADER.lower().encode())
    if not given and not lifetimes:
        return _DEFAULT
    directives = dict(_directives(", ".join(given)))
    max_age = _seconds(directives["max-age"], "Cache-Control: max-age") if "max-age" in directives else None
    ttl = _seconds(", ".join(lifetimes), TTL_HEADER, least=1) if lifetimes else None
    store = "no-store" not in directives
    read = store and "no-cache" not in directives and max_age != 0
    return CacheControl(read, store, max_age, ttl)


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _directives(text: str) -> Iterator[tuple[str, str]]:
    """Names in lower case, with their values; of a directive given twice, the later one."""
    at = 0
    while at < len(text):
        found = _DIRECTIVE.match(text, at)
        if found is None:
            raise BadRequest(
                f"Cache-Control cannot be read at {text[at : at + 40]!r}; allowed: name or name=value, ..."
            )
        if found[1]:
            yield found[1].lower(), (found[2] or "").strip('"')
        at = found.end()


def _seconds(text: str, name: str, least: int = 0) -> int:
    if not _SECONDS.fullmatch(text) or int(text) < least:
        raise BadRequest(f"{name} must be a whole number of seconds from {least} on, got {text[:80]!r}")
    return int(text)
