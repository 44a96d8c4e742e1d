"""Requests as they come over the wire, each nearly right."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.fuzz.bodies import garbled, valid, wrong
from tests.fuzz.bytes import spoilt
from tests.fuzz.headers import Field, odd_fields

KEY = "sk-good"


@dataclass
class Request:
    """data: what is sent. head: answers to it have no body."""

    data: bytes
    head: bool = False


def built(
    body: bytes, path: bytes = b"/v1/chat/completions", method: bytes = b"POST", more: list[Field] | None = None
) -> bytes:
    """A request with a right key, and with a length of its own unless `more` has one. It asks to close."""
    fields = [(b"Host", b"x"), (b"Authorization", f"Bearer {KEY}".encode()), (b"Connection", b"close"), *(more or [])]
    if not any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in fields):
        fields.append((b"Content-Length", str(len(body)).encode()))
    lines = b"".join(b"%b: %b\r\n" % field for field in fields)
    return b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method, path, lines, body)


def right(dice: Random, more: list[Field] | None = None) -> bytes:
    """A request with nothing wrong in its body."""
    path, body = valid(dice)
    return built(json.dumps(body).encode(), path.encode(), more=more)


def _wrong_body(dice: Random) -> Request:
    return Request(built(wrong(dice), valid(dice)[0].encode()))


def _garbled_body(dice: Random) -> Request:
    return Request(built(garbled(dice), valid(dice)[0].encode()))


def _sized_body(dice: Random) -> Request:
    """Around the limit of 64 KiB, and far over it."""
    size = dice.choice([0, 1, 65_000, 65_536, 65_537, 70_000, 300_000, 1_100_000])
    return Request(built(b'{"messages": "' + b"x" * size + b'"}'))


def _headers(dice: Random) -> Request:
    return Request(right(dice, odd_fields(dice)))


def _framing(dice: Random) -> Request:
    """What proxies and servers have read differently: lengths, chunks, folded lines, line ends."""
    path, content = valid(dice)
    body = json.dumps(content).encode()
    shape = dice.choice(_CODINGS)
    if shape == b"":
        return Request(built(body, path.encode(), more=[(b"Content-Length", dice.choice(_LENGTHS) % len(body))]))
    fields = [(b"Transfer-Encoding", shape)]
    if dice.random() < 0.2:
        fields.insert(dice.randrange(2), (b"Content-Length", str(len(body)).encode()))
    whole = built(_chunked(dice, body), path.encode(), more=fields)
    if dice.random() < 0.8:
        return Request(whole)
    old, new = dice.choice(_CHANGES)
    return Request(whole.replace(old, new, dice.choice([1, -1])))


_CODINGS = [b"", b"", *[b"chunked"] * 12, b"Chunked", b"identity", b"gzip, chunked", b"chunked, identity", b"xchunked"]
_CODINGS += [b"chunked\t", b"\x0bchunked", b"chunked, chunked", b" chunked", b"chunked;a=b", b"chunked\r\n x"]
_LENGTHS = [
    b"%d",
    b"+%d",
    b"-%d",
    b"0%d",
    b"%d0",
    b"%d, 3",
    b"%d 3",
    b"0x%x",
    b"%d.0",
    b"%de0",
    b" %d ",
    b"1%d",
    b"%%%d",
]
_CHANGES = [(b"\r\n", b"\n"), (b": ", b" : "), (b": ", b":\r\n "), (b"HTTP/1.1", b"HTTP/1.0"), (b" HTTP", b"  HTTP")]
_CHANGES += [(b"POST", b"\r\nPOST"), (b"\r\n", b"\r"), (b"\r\n\r\n", b"\r\n\x00\r\n"), (b"Host", b"\tHost")]


def _chunked(dice: Random, body: bytes) -> bytes:
    half = len(body) // 2
    parts = []
    for part in (body[:half], body[half:]):
        size, end = (b"%x", b"\r\n") if dice.random() < 0.9 else (dice.choice(_SIZES), dice.choice(_ENDS))
        parts.append(size % len(part) + b"\r\n" + part + end)
    last = dice.choice([b"0\r\n", b"0\r\n", b"0\r\n", b"00\r\n", b""])
    return b"".join(parts) + last + dice.choice(_TRAILERS) + b"\r\n"


_SIZES = [b"%x", b"%X", b"0%x", b"%x;a=b", b'%x;a="\r"', b"%x ", b"0x%x", b"-%x", b"%xg", b"f" * 17 + b"%x", b"%x\n"]
_ENDS = [b"\r\n", b"\r\n", b"\n", b"", b"\r", b"x\r\n"]
_TRAILERS = [b"", b"", b"", b"X-A: b\r\n", b"Authorization: Bearer x\r\n", b"Content-Length: 9\r\n", b"x"]
_TRAILERS += [b"X-A: " + b"b" * 70_000]


def _target(dice: Random) -> Request:
    method = dice.choice(_METHODS)
    path = dice.choice([*_PATHS, b"/" + bytes(dice.choice(b"abc%/.2e0?#&;\\") for _ in range(dice.randrange(60)))])
    if dice.random() < 0.1:
        path = spoilt(dice, path)
    return Request(built(b"", path, method), head=method == b"HEAD")


_METHODS = b"GET POST HEAD OPTIONS PUT DELETE PATCH TRACE CONNECT PROPFIND PRI get G M-SEARCH QUERY SOURCE BREW".split()
_METHODS += [b"", b"GET\x00", b"A" * 200, b"\xff"]
_PATHS = rb"""
    / /health /ready /metrics /stats /v1/models /openapi.json /v1/chat/completions * /health/ //health /./health /docs
    /v1/../health /v1/%2e%2e/health /%2fhealth /health%00 /% /health%ff /%c0%ae /%u0041 /h%65alth /HEALTH /health?a=b
    /health#a /health;a http://x/health https://y:99999/health http://[::1/health health x:443 http: /\..\x /cache /swap
    /tokenize /admin /dashboard /reload
""".split()
_PATHS += [b"", b"/" + b"a" * 9000, b"/" + b"%41" * 20_000, b"/" + b"../" * 500, b"/?" + b"a=b&" * 3000]


def _spoilt(dice: Random) -> Request:
    return Request(spoilt(dice, right(dice)))


def _pipelined(dice: Random) -> Request:
    """Two to four, all but the last kept alive, one of them perhaps not right."""
    parts = [dice.choice(_PARTS)(dice) for _ in range(dice.randint(2, 4))]
    return Request(b"".join(part.replace(b"Connection: close\r\n", b"", 1) for part in parts[:-1]) + parts[-1])


_PARTS: list[Callable[[Random], bytes]] = [
    right,
    lambda dice: built(b"", b"/health", b"GET"),
    lambda dice: _spoilt(dice).data,
    lambda dice: _wrong_body(dice).data,
]
KINDS: dict[str, Callable[[Random], Request]] = {
    "wrong body": _wrong_body,
    "garbled body": _garbled_body,
    "sized body": _sized_body,
    "headers": _headers,
    "framing": _framing,
    "target": _target,
    "spoilt": _spoilt,
    "pipelined": _pipelined,
}
#: Of a hundred cases.
WEIGHTS = {
    "wrong body": 30,
    "garbled body": 20,
    "sized body": 1,
    "headers": 15,
    "framing": 10,
    "target": 9,
    "spoilt": 10,
    "pipelined": 5,
}
