"""How an answer's tokens are cut into chunks: what servers do, and clients have been seen to count wrongly."""

from collections.abc import Iterator
from dataclasses import dataclass

MODEL = "golden"
MIXED = "golden-mixed"


@dataclass(frozen=True, slots=True)
class Shape:
    """One way of streaming an answer.

    bundle:     tokens in a chunk.
    split:      characters of two tokens: a chunk without text, then one with the character, which comes in two
                writes, cut inside the character.
    role_first: the chunk with the role comes when the request does, not with the first token.
    usage_last: the finish reason and the usage come in chunks without text, some time after the last token.
    """

    bundle: int = 1
    split: bool = False
    role_first: bool = False
    usage_last: bool = False

    def chunks(self, count: int) -> Iterator[tuple[int, str]]:
        """(tokens, text) of each chunk of an answer of `count` tokens."""
        if self.split:
            yield from _split(count)
            return
        for first in range(0, count, self.bundle):
            size = min(self.bundle, count - first)
            yield size, "x" * size


# By the name of the model that is asked for; any other name gets the server's own.
SHAPES = {
    "golden-single": Shape(),
    "golden-bundled": Shape(bundle=3),
    "golden-split": Shape(split=True),
    "golden-role-first": Shape(role_first=True),
    "golden-usage-last": Shape(usage_last=True),
}


def _split(count: int) -> Iterator[tuple[int, str]]:
    for token in range(count):
        if token % 2:
            yield 1, "🙂"
        else:
            yield 1, "" if token + 1 < count else "é"
