"""Workers that a DNS name stands for, such as a headless Service of Kubernetes: every address is one."""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Literal

from vgate.config.workers_schema import DnsSettings
from vgate.engine.loading import in_thread
from vgate.workers.source import Source
from vgate.workers.specs import spec_of
from vgate.workers.worker import WorkerSpec

logger = logging.getLogger(__name__)

Family = Literal["any", "ipv4", "ipv6"]
Resolve = Callable[[str, Family], Awaitable[Sequence[str]]]
_FAMILIES = {"any": socket.AF_UNSPEC, "ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
RESOLVE_LIMIT_S = 10.0


class Dns(Source):
    """Asks again every `refresh_s`. An address is a worker until it has been in no answer for `keep_s`.

    So a name server that fails, or that tells only some of many addresses at a time, takes no worker away; whether one
    still works the health checks say. After `keep_s` an address may be somebody else's, who shall not be sent the key.

    Names are `<host>-<number>`, of numbers below `max_workers`, however the addresses change. More are left out.
    """

    def __init__(self, host: str, port: int, settings: DnsSettings, resolve: Resolve | None = None) -> None:
        self._host, self._port, self._settings = host, port, settings
        self._resolve = resolve or _resolve
        self._seen: dict[str, float] = {}  # address -> when it was in an answer last
        self._numbers: dict[str, int] = {}
        self._failures = 0
        self._problem = ""
        self._too_many = False

    def same_as(self, other: Source) -> bool:
        return isinstance(other, Dns) and other.what == self.what

    @property
    def what(self) -> tuple[str, int, DnsSettings]:
        """What it asks for, and what it makes of the answers."""
        return self._host, self._port, self._settings

    @property
    def failures(self) -> int:
        return self._failures

    async def watch(self) -> AsyncGenerator[Sequence[WorkerSpec], None]:
        known: list[WorkerSpec] | None = None
        while True:
            found, problem = await self._answer()
            self._note(found)
            specs = known or []
            try:
                specs = self._specs()
            except ValueError as error:  # the key has gone from its file
                problem = str(error)
            self._tell(problem)
            if specs != known:
                known = specs
                yield specs
            await asyncio.sleep(self._settings.refresh_s)

    def _specs(self) -> list[WorkerSpec]:
        at = self._numbers.items()
        return [spec_of(self._settings, _url(address, self._port), f"{self._host}-{number}") for address, number in at]

    async def _answer(self) -> tuple[Sequence[str], str]:
        """The addresses, and what is wrong."""
        try:
            async with asyncio.timeout(RESOLVE_LIMIT_S):
                found = await self._resolve(self._host, self._settings.family)
        except TimeoutError:
            return (), f"no answer within {RESOLVE_LIMIT_S:g} s"
        except OSError as error:
            return (), error.strerror or str(error)
        return found, "" if found else "no address"

    def _tell(self, problem: str) -> None:
        if problem:
            self._failures += 1
        if problem and problem != self._problem:
            logger.error("workers not found by DNS", extra={"host": self._host, "error": problem})
        self._problem = problem

    def _note(self, addresses: Sequence[str]) -> None:
        now = asyncio.get_running_loop().time()
        self._seen = {address: at for address, at in self._seen.items() if now - at < self._settings.keep_s}
        self._seen |= dict.fromkeys(sorted(set(addresses)), now)
        self._numbers = {address: number for address, number in self._numbers.items() if address in self._seen}
        free = sorted(set(range(self._settings.max_workers)) - set(self._numbers.values()))
        waiting = sorted(self._seen.keys() - self._numbers.keys(), key=lambda address: (-self._seen[address], address))
        self._numbers |= dict(zip(waiting, free, strict=False))
        if len(waiting) > len(free) and not self._too_many:
            told = {"found": len(self._seen), "max_workers": self._settings.max_workers}
            logger.warning("more workers than engine.dns.max_workers", extra=told)
        self._too_many = len(waiting) > len(free)


async def _resolve(host: str, family: Family) -> Sequence[str]:
    """In a thread of its own: a name server may not answer for long."""
    found = await in_thread(
        lambda: socket.getaddrinfo(host, None, family=_FAMILIES[family], type=socket.SOCK_STREAM), lambda _: None
    )
    return [str(address[0]) for *_, address in found]


def _url(address: str, port: int) -> str:
    # An address that is valid only on one of this machine's networks carries its name after a percent sign.
    return f"http://[{address.replace('%', '%25')}]:{port}" if ":" in address else f"http://{address}:{port}"
