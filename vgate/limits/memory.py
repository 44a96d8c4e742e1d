"""Limits counted in this process."""

import asyncio
from collections import OrderedDict
from typing import Any

from vgate.limits.account import Account
from vgate.limits.base import Limits, Standing, Store


class MemoryLimits(Store):
    """Each of several gateways counts for itself: N of them let in up to N times the limits.

    Every step is one turn of the event loop, so it is atomic. A key that has had no request for a window, the longest
    that there was, is forgotten with the next request of any key.
    """

    def __init__(self) -> None:
        self._accounts: OrderedDict[str, Account] = OrderedDict()  # in the order of their last request
        self._longest_s = 0.0

    async def enter(self, name: str, limits: Limits, tokens: int) -> Standing:
        now = asyncio.get_running_loop().time()
        account = self._accounts.get(name)
        if account is None:
            account = self._accounts[name] = Account()
        self._accounts.move_to_end(name)
        # A window that has become longer counts what the one before would have let be forgotten.
        self._longest_s = max(self._longest_s, limits.window_s)
        self._forget_idle(now)
        return account.enter(limits, tokens, now)

    async def settle(self, place: Any, tokens: int | None) -> None:
        place.settle(tokens, asyncio.get_running_loop().time())

    async def look(self, name: str, limits: Limits) -> Standing:
        account = self._accounts.get(name) or Account()
        return account.look(limits, asyncio.get_running_loop().time())

    def succeed(self, old: Store) -> Store:
        return old if isinstance(old, MemoryLimits) else self

    def __len__(self) -> int:
        """Of how many keys something is kept."""
        return len(self._accounts)

    def _forget_idle(self, now: float) -> None:
        """Those at the front, but for the one that was just asked for. One with a long request goes to the end."""
        while len(self._accounts) > 1:
            name, account = next(iter(self._accounts.items()))
            if account.idle(now, self._longest_s):
                del self._accounts[name]
                continue
            if account.open:
                self._accounts.move_to_end(name, last=True)
            return
