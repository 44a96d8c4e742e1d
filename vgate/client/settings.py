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
_LONGEST_TIMEOUT_S = 1e6  # 11 days; what is much longer the system's calls do not take
# httpx's own bound of 100 connections would let the 101st stream of a client wait without a word. Many servers, vLLM's
# for one, hang up after 5 s of rest: to ask at that very moment would fail, and is not tried again.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=4)


def http_options(base_url: str | None, api_key: str | None, timeout: float | None) -> dict[str, Any]:
    """Constructor arguments for an httpx client. An empty `api_key` is none, whatever the environment says.

    Raises:
        ValueError: The address is not an http(s) URL, the key cannot be sent in a header, or the
            timeout is not positive.
    """
    url = _address(*_said("base_url", base_url, "VGATE_BASE_URL", DEFAULT_BASE_URL))
    return {
        # httpx writes the address of each request to its log, so that a password goes another way.
        "base_url": url.copy_with(userinfo=b""),
        "auth": httpx.BasicAuth(url.username, url.password) if url.userinfo else None,
        "headers": _authorization(*_said("api_key", api_key, "VGATE_API_KEY", "")),
        "timeout": timeouts(timeout),
        "verify": _tls(),
        "limits": _LIMITS,
    }


def _said(argument: str, value: str | None, variable: str, default: str) -> tuple[str, str]:
    """Who says it, and what; an empty variable counts as unset."""
    return (argument, value) if value is not None else (variable, os.environ.get(variable) or default)


def _address(name: str, text: str) -> httpx.URL:
    shown = re.sub(r"^([a-zA-Z]+://)?.*@", r"\1...@", text, flags=re.DOTALL)  # neither a password is shown
    shown = re.sub(r"\?.*", "?...", shown, flags=re.DOTALL)  # nor a key
    problem = f"{name} must look like {DEFAULT_BASE_URL}, not {shown!r}"
    try:
        url = httpx.URL(text)
        url.host.encode("idna")  # else the look-up of its address fails in a way of its own
    except (httpx.InvalidURL, UnicodeError):
        raise ValueError(problem) from None  # the cause quotes the address, password and all
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment or (url.port or 0) > 65535:
        raise ValueError(problem)
    if any(letter.isspace() for letter in text):  # as at the end of a line; httpx would send it
        raise ValueError(problem)
    return url


def _authorization(name: str, key: str) -> httpx.Headers:
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ValueError(f"{name} must be printable ASCII without spaces")  # the key is not shown
    return httpx.Headers({"Authorization": f"Bearer {key}"} if key else {})  # whose repr does not show it


def timeouts(seconds: float | None) -> httpx.Timeout:
    """The silence that is put up with, in seconds; of a connection that does not come about, 5 at most.

    Raises:
        ValueError: It is not positive.
    """
    if seconds is None:
        return httpx.Timeout(None, connect=_CONNECT_TIMEOUT_S)
    if not seconds > 0:
        raise ValueError(f"timeout must be a positive number of seconds or None, not {seconds}")
    return httpx.Timeout(min(seconds, _LONGEST_TIMEOUT_S), connect=min(seconds, _CONNECT_TIMEOUT_S))


@functools.cache
def _tls() -> ssl.SSLContext:
    # Reading the trusted certificates costs tens of milliseconds; clients share the result.
    return httpx.create_ssl_context()
