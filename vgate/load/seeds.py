"""One root seed, one independent seed per use."""

import hashlib


def derive(root: int, name: str) -> int:
    """The seed of the component called `name`: 64 bits of SHA-256(root:name), the same on every machine."""
    return int.from_bytes(hashlib.sha256(f"{root}:{name}".encode()).digest()[:8], "big")
