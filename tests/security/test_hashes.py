"""What is kept of a key in its stead."""

import base64
import hashlib
import re

import pytest

from vgate.security.hashes import Scrypt, digest_of, parse, scrypt_text, sha256_text

QUICK = (2, 1, 1)
SALT, HASH = "c2FsdHNhbHRzYWx0c2FsdA", "aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"


def test_a_digest_is_read_as_it_is_written() -> None:
    text = sha256_text("sk-a")
    assert text == f"sha256:{hashlib.sha256(b'sk-a').hexdigest()}"
    assert parse(text) == parse(text.replace("sha256:", "", 1).upper().join(["sha256:", ""])) == digest_of("sk-a")


def test_a_slow_hash_knows_its_key_and_no_other() -> None:
    text = scrypt_text("sk-a", QUICK)
    hashed = parse(text)
    assert isinstance(hashed, Scrypt)
    assert (hashed.n, hashed.r, hashed.p, len(hashed.salt), len(hashed.key)) == (2, 1, 1, 16, 32)
    assert hashed.key == hashlib.scrypt(b"sk-a", salt=hashed.salt, n=2, r=1, p=1, dklen=32)
    assert [hashed.matches(key) for key in ("sk-a", "sk-b", "sk-a ", "")] == [True, False, False, False]
    assert scrypt_text("sk-a", QUICK) != text, "the salt is another each time"


def test_what_it_costs_by_default_is_what_is_recommended() -> None:
    """RFC 7914: n = 2^14, r = 8, p = 1 for interactive logins."""
    assert re.match(r"scrypt:16384:8:1:", scrypt_text("sk-a"))


def test_base64_of_either_alphabet_with_or_without_padding() -> None:
    hashed = parse(scrypt_text("sk-a", QUICK))
    assert isinstance(hashed, Scrypt)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        salt, key = (encode(data).decode() for data in (hashed.salt, hashed.key))
        assert parse(f"scrypt:2:1:1:{salt}:{key}") == hashed
        assert parse(f"scrypt:2:1:1:{salt.rstrip('=')}:{key.rstrip('=')}") == hashed


@pytest.mark.parametrize(
    "text",
    ["", "sk-a", "sha256:", "sha256:abc", "sha256:" + "g" * 64, "md5:" + "0" * 32, "sha256:" + "0" * 63,
     f"scrypt:2:1:1:{SALT}", f"scrypt:2:1:1:{SALT}:short", f"scrypt:x:1:1:{SALT}:{HASH}", f"scrypt:2:1:1:sal t:{HASH}",
     f"scrypt:2:1:1:{SALT}:{HASH}:more", f" scrypt:2:1:1:{SALT}:{HASH}"],
)  # fmt: skip
def test_what_is_no_hash_is_told_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be sha256:<64 hexadecimal digits> or scrypt:") as told:
        parse(text)
    assert len(text) < 8 or text not in str(told.value)


@pytest.mark.parametrize("cost", ["3:1:1", "0:1:1", "1:8:1", "2:0:1", "2:1:0", "4194304:8:1", "2:999:999"])
def test_a_cost_that_cannot_be_or_is_absurd_is_told(cost: str) -> None:
    with pytest.raises(ValueError, match="scrypt"):
        parse(f"scrypt:{cost}:{SALT}:{HASH}")
