"""Bearer keys with limits each."""

import hmac
from collections.abc import Mapping
from typing import Any

from vgate.config.key_sources import kept
from vgate.errors import ApiError
from vgate.limits.base import Limits, Standing, Store
from vgate.observe.base import Observer
from vgate.security.base import ANONYMOUS, Caller, Lease, Security
from vgate.security.estimate import upper_tokens
from vgate.security.hashes import Scrypt, digest_of
from vgate.security.slow import Strangers
from vgate.security.told import limit_headers, never, refusal, unauthenticated, unavailable
from vgate.types import Call

_FREE = Lease()


class Keys(Security):
    """Known keys pass, each within its limits. Paths in `exempt_paths` need no key.

    Of keys only hashes are kept. A digest is looked up in a table, whose timing tells nothing of any key, and compared
    in constant time; what only a slow hash can tell is found by `Strangers`.

    handed_over: another counts on with the store, so that it is not this one's to close.
    """

    def __init__(
        self,
        api_keys: list[dict[str, Any]],
        rate_limiting: dict[str, Any],
        exempt_paths: list[str],
        pre_auth: dict[str, Any],
        store: Store,
        observer: Observer,
    ) -> None:
        self._exempt = frozenset(exempt_paths)
        self._rates = rate_limiting
        self.store = store
        self.handed_over = False
        self._observer = observer
        self._callers: dict[bytes, tuple[bytes, Caller]] = {}
        self._limits: dict[str, Limits | None] = {}
        slow: dict[Scrypt, Caller] = {}
        for api_key in api_keys:
            secret, caller = kept(api_key), _caller(api_key, rate_limiting)
            self._limits[caller.name] = caller.limits
            if isinstance(secret, Scrypt):
                slow[secret] = caller
            else:
                self._callers[secret] = (secret, caller)
        self.strangers = Strangers(slow, pre_auth["failures_per_second"])

    async def identify(self, path: str, authorization: str | None) -> Caller:
        if path in self._exempt:
            return ANONYMOUS
        scheme, _, key = (authorization or "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            self._observer.limited("unauthenticated")
            raise unauthenticated(bool(authorization))
        digest = digest_of(key)
        known = self._callers.get(digest)
        if known is not None and hmac.compare_digest(known[0], digest):
            return known[1]
        return self.strangers.recall(digest) or await self._stranger(key, digest)

    async def enter(self, caller: Caller, tokens: int) -> Lease:
        limits = caller.limits
        if limits is None:
            self._observer.limited("allowed")
            return _FREE
        if limits.tokens is not None and tokens > limits.tokens:
            self._observer.limited("tokens")
            error = never(caller.name, limits, tokens)
            error.headers |= await self.headers(caller)
            raise error
        standing = await self.store.enter(caller.name, limits, tokens)
        self._tell(standing)
        if standing.refused:
            raise refusal(caller.name, limits, standing, tokens)
        if standing.without == "closed":
            raise unavailable()
        return _Counted(self.store, standing)

    def weigh(self, caller: Caller, call: Call, context: int | None) -> int:
        if caller.limits is None or caller.limits.tokens is None:
            return 0
        return upper_tokens(call, self._rates["tokens_per_byte"], self._rates["unset_max_tokens"], context)

    async def headers(self, caller: Caller) -> dict[str, str]:
        limits = caller.limits
        return {} if limits is None else limit_headers(await self.store.look(caller.name, limits))

    @property
    def limits(self) -> Mapping[str, Limits | None]:
        return self._limits

    async def standing(self, name: str) -> Standing:
        limits = self._limits.get(name)
        return Standing() if limits is None else await self.store.look(name, limits)

    def adopt(self, old: Security) -> None:
        if isinstance(old, Keys):
            self.store = self.store.succeed(old.store)
            old.handed_over = self.store is old.store
            self.strangers.adopt(old.strangers)

    async def close(self) -> None:
        await self.strangers.close()
        if not self.handed_over:
            await self.store.close()

    async def _stranger(self, key: str, digest: bytes) -> Caller:
        try:
            caller = await self.strangers.find(key, digest)
        except ApiError:
            self._observer.limited("pre_auth")
            raise
        if caller is None:
            self._observer.limited("unauthenticated")
            raise unauthenticated(True)
        return caller

    def _tell(self, standing: Standing) -> None:
        decision = standing.refused or (f"store_{standing.without}" if standing.without else "allowed")
        self._observer.limited(decision)


class _Counted(Lease):
    """What a request has taken of its key's limits."""

    def __init__(self, store: Store, standing: Standing) -> None:
        self.headers = limit_headers(standing)
        self._store = store
        self._place = standing.place
        self._given_back = False

    async def settle(self, tokens: int | None) -> None:
        if self._place is None or (tokens is None and self._given_back):
            return
        place, self._given_back = self._place, True
        if tokens is not None:
            self._place = None
        await self._store.settle(place, tokens)


def _caller(api_key: Mapping[str, Any], rates: Mapping[str, Any]) -> Caller:
    models = api_key.get("models")
    return Caller(
        str(api_key["name"]),
        None if models is None else frozenset(models),
        api_key.get("cache_scope"),
        api_key.get("priority"),
        _limits(api_key, rates) if rates["enabled"] else None,
    )


def _limits(api_key: Mapping[str, Any], rates: Mapping[str, Any]) -> Limits | None:
    requests = api_key.get("rate_limit") or rates["default_limit"]
    most = (requests, api_key.get("token_limit"), api_key.get("concurrency"))
    return None if most == (None, None, None) else Limits(rates["window_seconds"], *most)
