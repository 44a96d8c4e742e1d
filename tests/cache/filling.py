"""A program: fills a cache with distinct answers; prints, as JSON, what it holds and by how much the process grew."""

import asyncio
import json
import random
import sys
from pathlib import Path

from tests.components import build
from vgate.types import Answer, Event, Usage

MAX_BYTES = 64 * 2**20


def resident() -> int:
    """This process's memory in bytes."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


def answers(count: int, events: int) -> list[Answer]:
    """Answers of 300 to 900 bytes for each event, seeded."""
    draw = random.Random(3)
    made = []
    for number in range(count):
        said = [Event(draw.randbytes(draw.randrange(300, 900)), content=True) for _ in range(events)]
        made.append(Answer(f"{number:032x}", (*said, Event(b"data: [DONE]\n\n", usage=Usage(1, events)))))
    return made


async def main(option: str, puts: int, events: int) -> None:
    """Put so many answers of so many events, each under a key of its own."""
    cache, pool = build("cache", option, maxsize=10**9, max_bytes=MAX_BYTES), answers(997, events)
    before = resident()
    for number in range(puts):
        await cache.put(number.to_bytes(32, "big"), pool[number % len(pool)])
    told = {"grown": resident() - before, "bytes": cache.held.bytes, "entries": cache.held.entries}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
