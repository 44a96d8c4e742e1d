"""What is kept of a key in its stead: `sha256:<hex>` or `scrypt:<n>:<r>:<p>:<salt>:<hash>`."""

import base64
import binascii
import hashlib
import hmac
import os
import re
from typing import NamedTuple

_SHA256 = re.compile(r"sha256:([0-9a-fA-F]{64})")
_SCRYPT = re.compile(r"scrypt:(\d{1,8}):(\d{1,3}):(\d{1,3}):([A-Za-z0-9_+/-]{8,}={0,2}):([A-Za-z0-9_+/-]{20,}={0,2})")
FORMS = "sha256:<64 hexadecimal digits> or scrypt:<n>:<r>:<p>:<salt>:<hash>, the last two in base64"
# RFC 7914's recommendation for logins that may take 100 ms: 16 MiB and some 50 ms.
_COST = (16384, 8, 1)
# What one check may use; it also bounds the time that a misspelt n would cost.
MOST_BYTES = 256 * 1024 * 1024


class Scrypt(NamedTuple):
    """RFC 7914: cost n (a power of two), block size r, parallelism p; `salt` and `key` in bytes."""

    n: int
    r: int
    p: int
    salt: bytes
    key: bytes

    def matches(self, text: str) -> bool:
        """Whether it was made of this key. Takes tens of milliseconds; other threads may run meanwhile."""
        made = _scrypt(text, self.salt, (self.n, self.r, self.p), len(self.key))
        return hmac.compare_digest(made, self.key)


def digest_of(key: str) -> bytes:
    """SHA-256 of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def parse(text: str) -> bytes | Scrypt:
    """A SHA-256 digest, or what scrypt was given; raises ValueError that does not quote it."""
    if found := _SHA256.fullmatch(text):
        return bytes.fromhex(found[1])
    found = _SCRYPT.fullmatch(text)
    if not found:
        raise ValueError(f"must be {FORMS}")
    n, r, p = (int(number) for number in found.groups()[:3])
    if n < 2 or n & (n - 1) or not r or not p:
        raise ValueError("n of scrypt must be a power of two above 1, r and p at least 1")
    if 128 * r * (n + p) > MOST_BYTES or p > 16:
        raise ValueError(f"of scrypt 128 * r * (n + p) must be at most {MOST_BYTES} bytes, and p at most 16")
    return Scrypt(n, r, p, _decoded(found[4]), _decoded(found[5]))


def sha256_text(key: str) -> str:
    """For keys that nobody could guess, such as those made here."""
    return f"sha256:{digest_of(key).hex()}"


def scrypt_text(key: str, cost: tuple[int, int, int] = _COST) -> str:
    """For any key, also one that a person has thought of."""
    salt = os.urandom(16)
    made = _scrypt(key, salt, cost, 32)
    return ":".join(["scrypt", *map(str, cost), _encoded(salt), _encoded(made)])


def _scrypt(key: str, salt: bytes, cost: tuple[int, int, int], length: int) -> bytes:
    n, r, p = cost
    data = key.encode("utf-8", "surrogateescape")
    return hashlib.scrypt(data, salt=salt, n=n, r=r, p=p, dklen=length, maxmem=2 * MOST_BYTES)


def _encoded(data: bytes) -> str:
    """Without padding: an equals sign would need quotes on a command line."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    plain = text.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4))
    except binascii.Error:
        raise ValueError(f"must be {FORMS}") from None
