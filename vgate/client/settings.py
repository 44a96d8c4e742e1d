"""Where the server is and how to talk to it: arguments before environment before defaults."""

from __future__ import annotations

import functools
import os
import re
import ssl
from typing import Any

import httpx

DEFAULT_BASE_URL = "http://localhost:8000/v1"
DEFAULT_TIMEOUT_S = 600.0
_CONNECT_TIMEOUT_S = 5.0
# httpx's own bound of 100 connections would let the 101st stream of a client wait without a word.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=5)


def http_options(base_url: str | None, api_key: str | None, timeout: float | None) -> dict[str, Any]:
    """Constructor arguments for an httpx client.

    Raises:
        ValueError: The address is not an http(s) URL, the key cannot be sent in a header, or the
            timeout is not positive.
    """
    return {
        "base_url": _address(base_url or os.environ.get("VGATE_BASE_URL") or DEFAULT_BASE_URL),
        "headers": _authorization(api_key or os.environ.get("VGATE_API_KEY")),
        "timeout": timeouts(timeout),
        "verify": _tls(),
        "limits": _LIMITS,
    }


def _address(text: str) -> httpx.URL:
    shown = re.sub(r"//[^/@]*@", "//...@", text)  # a password is not shown
    problem = f"base_url must look like {DEFAULT_BASE_URL}, not {shown!r}"
    try:
        url = httpx.URL(text)
        url.host.encode("idna")  # else the look-up of its address fails in a way of its own
    except (httpx.InvalidURL, UnicodeError):
        raise ValueError(problem) from None  # the cause quotes the address, password and all
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment or (url.port or 0) > 65535:
        raise ValueError(problem)
    return url


def _authorization(key: str | None) -> dict[str, str]:
    if not key:
        return {}
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ValueError("api_key must be printable ASCII without spaces")  # the key is not shown
    return {"Authorization": f"Bearer {key}"}


def timeouts(seconds: float | None) -> httpx.Timeout:
    """The silence that is put up with, in seconds; of a connection that does not come about, 5 at most.

    Raises:
        ValueError: It is not positive.
    """
    if seconds is None:
        return httpx.Timeout(None, connect=_CONNECT_TIMEOUT_S)
    if not seconds > 0:
        raise ValueError(f"timeout must be a positive number of seconds or None, not {seconds}")
    return httpx.Timeout(seconds, connect=min(seconds, _CONNECT_TIMEOUT_S))


@functools.cache
def _tls() -> ssl.SSLContext:
    # Reading the trusted certificates costs tens of milliseconds; clients share the result.
    return httpx.create_ssl_context()
