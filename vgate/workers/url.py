"""The addresses of workers, in one spelling each."""

import re
from urllib.parse import SplitResult, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9_.:-]+")


def normal(url: str) -> str:
    """`scheme://host[:port][/base]` in lower case, without the default port, `/v1` or a slash at its end.

    Raises ValueError, which does not quote what may be a password.
    """
    parts = _split(url)
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("must begin with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("must not have a user or password in it; a key goes into key, key_file or key_env")
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise ValueError("must end with the path: no ? and no #")
    if not parts.hostname or not _HOST.fullmatch(parts.hostname) or re.search(r"[\s\x00-\x20]", url):
        raise ValueError("must name a host: http://host:port")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = _port(parts)
    shown = "" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{host}{shown}{_base(parts.path)}"


def host_and_port(text: str) -> str:
    """`host:port` of a name that DNS knows, checked. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or not re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})", host) or not port.isdecimal():
        raise ValueError("must be host:port, a DNS name and a number")
    if not 1 <= int(port) <= 65535:
        raise ValueError("the port must be from 1 to 65535")
    return text


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise ValueError("must be a URL: http://host:port") from None


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("the port must be from 1 to 65535")
    return port


def _base(path: str) -> str:
    """OpenAI's clients want a base URL that ends with /v1; here it is part of every request's path."""
    return path.rstrip("/").removesuffix("/v1").rstrip("/")
