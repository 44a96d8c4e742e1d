"""No security."""

from vgate.limits.base import Store
from vgate.observe.base import Observer
from vgate.security.base import ANONYMOUS, Caller, Lease, Security

_LEASE = Lease()


class Open(Security):
    """Everybody may ask anything."""

    def __init__(self, store: Store, observer: Observer) -> None:
        return

    async def identify(self, path: str, authorization: str | None) -> Caller:
        return ANONYMOUS

    async def enter(self, caller: Caller, tokens: int) -> Lease:
        return _LEASE
