"""Keys that are known by a hash which is slow to make, and what keeps a flood of wrong keys from costing anything."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from vgate.errors import ApiError
from vgate.limits.window import Window
from vgate.security.base import Caller
from vgate.security.hashes import Scrypt

# Keys that are looked for at the same time; each waits for those before it.
_MOST_AT_ONCE = 8


class Strangers:
    """Keys that are not known by their digest: looked for among slow hashes, in another thread, one at a time.

    A key that is found is known by its digest from then on: one digest for each configured hash. Others leave nothing
    behind. At most `per_second` keys are looked at in any second that turn out wrong, whoever sends them, and eight at
    once; beyond that, strangers are refused with 429 before anything is hashed. A right key that is not known yet may
    be among them, and has to try again; one that is known is not held up.
    """

    def __init__(self, hashes: Mapping[Scrypt, Caller], per_second: int) -> None:
        self._hashes = hashes
        self._per_second = per_second
        self._wrong = Window()
        self._looking: dict[bytes, asyncio.Task[Scrypt | None]] = {}
        self.known: dict[bytes, Scrypt] = {}
        self._thread = ThreadPoolExecutor(1, "vgate-scrypt")

    def recall(self, digest: bytes) -> Caller | None:
        """Whose key has this digest, if it was found before."""
        found = self.known.get(digest)
        return None if found is None else self._hashes[found]

    async def find(self, key: str, digest: bytes) -> Caller | None:
        """Whose key it is; None if nobody's. Raises ApiError with 429."""
        task = self._looking.get(digest)
        if task is None:
            number = self._spend()
            if not self._hashes:
                return None
            task = asyncio.create_task(self._look(key, digest, number))
            self._looking[digest] = task
            task.add_done_callback(lambda _: self._looking.pop(digest))
        found = await asyncio.shield(task)
        return None if found is None else self._hashes[found]

    def adopt(self, old: "Strangers") -> None:
        """Know the keys that another has found, as far as their hashes are here too."""
        self.known = {digest: found for digest, found in old.known.items() if found in self._hashes}

    async def close(self) -> None:
        """Once those that are looked for are found, or are not."""
        await asyncio.gather(*self._looking.values(), return_exceptions=True)
        self._thread.shutdown(wait=False)

    async def _look(self, key: str, digest: bytes, number: int) -> Scrypt | None:
        found = await asyncio.get_running_loop().run_in_executor(self._thread, self._matching, key)
        if found is not None:
            self.known[digest] = found
            self._wrong.give_back(number, 1)
        return found

    def _matching(self, key: str) -> Scrypt | None:
        return next((hashed for hashed in self._hashes if hashed.matches(key)), None)

    def _spend(self) -> int:
        """Counted as wrong until it is found; the number by which it can be given back."""
        now = asyncio.get_running_loop().time()
        self._wrong.forget(now, 1.0)
        if self._wrong.taken >= self._per_second or len(self._looking) >= _MOST_AT_ONCE:
            raise _too_many_wrong_keys()
        return self._wrong.take(1, now, 1.0)


def _too_many_wrong_keys() -> ApiError:
    """Whoever sent them."""
    message = "Too many requests with unknown API keys. Try again in 1 s."
    return ApiError(429, message, "rate_limit_error", code="too_many_unknown_keys", headers={"retry-after": "1"})
