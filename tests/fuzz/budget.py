"""How many cases are tried, and which.

FUZZ_CASES in the environment sets how many in all; `make fuzz` tries a hundred thousand. FUZZ_SEED sets others. A case
follows from the seed and its own name, so that one that fails can be tried again alone.
"""

import os
import random
from collections.abc import Iterator

CASES = int(os.environ.get("FUZZ_CASES", "12000"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))


def share(part: float) -> int:
    """So much of all cases."""
    return max(1, round(CASES * part))


def dice(*name: object) -> random.Random:
    """What decides the case of this name."""
    return random.Random(":".join(map(str, (SEED, *name))))


def cases(count: int, *name: object) -> Iterator[tuple[str, random.Random]]:
    """So many cases: each one's name, for the message of a failure, and its dice."""
    print(f"{count} cases of {' '.join(map(str, name))}, FUZZ_SEED={SEED}")
    for number in range(count):
        yield f"FUZZ_SEED={SEED}, case {':'.join(map(str, (*name, number)))}", dice(*name, number)
