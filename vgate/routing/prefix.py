"""The beginnings of prompts as blocks, and where each is at home."""

import hashlib
import math
from collections.abc import Sequence
from functools import lru_cache

from vgate.workers.worker import Worker

_DIGEST = 8
_MASK = (1 << 64) - 1


def blocks(text: bytes, size: int, model: str | None) -> list[bytes]:
    """For each whole block of `size` bytes, 64 bits of BLAKE2b over the text from its beginning to the block's end.

    Two models have nothing in common: their caches have not, either.
    """
    digest = (model or "").encode("utf-8", "surrogatepass")
    found = []
    for end in range(size, len(text) + 1, size):
        digest = hashlib.blake2b(digest + b"\0" + text[end - size : end], digest_size=_DIGEST).digest()
        found.append(digest)
    return found


def home(block: bytes, workers: Sequence[Worker]) -> Worker:
    """The worker at which a block is at home: weighted rendezvous hashing.

    Thaler and Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM ToN 1998; weights as in
    Schindelhauer and Schomaker, "Weighted distributed hash tables", SPAA 2005. It depends on URLs and weights alone; a
    worker that comes takes its share from all others, one that goes leaves its own to all others, and nothing else
    moves.
    """
    number = int.from_bytes(block, "big")
    return max(workers, key=lambda worker: _score(number, worker))


def _score(block: int, worker: Worker) -> float:
    """-w / ln(u), where u is uniform in (0, 1)."""
    u = (_mixed(block ^ _seed(worker.url)) + 0.5) / 2.0**64
    return -worker.weight / math.log(u) if u < 1 else math.inf


@lru_cache(4096)
def _seed(url: str) -> int:
    return int.from_bytes(hashlib.blake2b(url.encode(), digest_size=_DIGEST).digest(), "big")


def _mixed(x: int) -> int:
    """The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): every bit depends on all bits."""
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)
