"""Loads in virtual time, and what clients get of them."""

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.calls import ask, chat
from vgate.batch.trials import Policy
from vgate.gateway import Gateway


@dataclass
class Served:
    """Response and TTFT of each request in seconds, in order of its end, and when the last one ended."""

    responses: list[float] = field(default_factory=list)
    ttfts: list[float] = field(default_factory=list)
    last: float = 0.0
    policy: Policy | None = None

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.responses) / self.last

    def ttft(self, share: float) -> float:
        """The TTFT that so many of all requests kept within."""
        return sorted(self.ttfts)[round(share * (len(self.ttfts) - 1))]

    async def one(self, entry: Gateway, max_tokens: int = 16) -> None:
        """Ask once."""
        begin = asyncio.get_running_loop().time()
        asked = await ask(entry, chat(f"{begin} {id(asyncio.current_task())}", stream=True, max_tokens=max_tokens))
        self.last = asyncio.get_running_loop().time()
        self.responses.append(self.last - begin)
        self.ttfts.append((asked.record.first_token or 0.0) - begin)


async def closed(entry: Gateway, clients: int, seconds: float, think_s: float = 0.002) -> Served:
    """So many clients, each asking again up to `think_s` after its answer."""
    served, order = Served(), random.Random(1)

    async def client() -> None:
        while asyncio.get_running_loop().time() < seconds:
            await served.one(entry, order.randint(8, 24))
            await asyncio.sleep(order.uniform(0, think_s))

    await asyncio.gather(*(client() for _ in range(clients)))
    return served


async def arriving(entry: Gateway, offsets_s: Iterable[float]) -> Served:
    """A request at each offset, whether or not earlier ones have ended."""
    served, tasks, order = Served(), [], random.Random(2)
    for offset in offsets_s:
        await asyncio.sleep(max(0.0, offset - asyncio.get_running_loop().time()))
        tasks.append(asyncio.create_task(served.one(entry, order.randint(8, 24))))
    await asyncio.gather(*tasks)
    return served


def poisson(rate: float, seconds: float, seed: int = 1) -> list[float]:
    """Arrival times at so many requests per second."""
    order, offset, offsets = random.Random(seed), 0.0, []
    while (offset := offset + order.expovariate(rate)) < seconds:
        offsets.append(offset)
    return offsets
