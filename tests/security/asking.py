"""Asking `security=keys` the way the HTTP layer does."""

from dataclasses import dataclass
from typing import Any

from tests.components import build
from vgate.errors import ApiError
from vgate.observe.base import Observer
from vgate.security.base import Lease
from vgate.security.keys import Keys

PATH = "/v1/chat/completions"
# The wall clock in these tests: this at virtual time 0.
EPOCH = 1_700_000_000.25
RATES = {
    "enabled": True,
    "default_limit": 3,
    "window_seconds": 60.0,
    "tokens_per_byte": 0.5,
    "unset_max_tokens": None,
}


class Told(Observer):
    """Remembers every decision."""

    def __init__(self) -> None:
        self.decisions: list[str] = []

    def limited(self, decision: str) -> None:
        self.decisions.append(decision)


@dataclass
class Refused:
    """An answer that is an error."""

    status: int
    code: str | None
    headers: dict[str, str]
    message: str


def build_keys(*api_keys: dict[str, Any], failures: int = 20, **changes: Any) -> Keys:
    """With limits that a test changes: `changes` go to `rate_limiting`; `store` and `observer` are passed on."""
    parts = {name: changes.pop(name) for name in ("store", "observer", "exempt_paths") if name in changes}
    made: Keys = build(
        "security",
        "keys",
        api_keys=list(api_keys) or [{"key": "sk-usual", "name": "usual"}],
        rate_limiting=RATES | changes,
        pre_auth={"failures_per_second": failures},
        **parts,
    )
    return made


async def ask(security: Keys, key: str = "sk-usual", tokens: int = 0, path: str = PATH) -> Lease | Refused:
    """One request, let in or refused."""
    try:
        return await security.enter(await security.identify(path, f"Bearer {key}"), tokens)
    except ApiError as error:
        return Refused(error.status, error.code, error.headers, error.message)


async def passed(security: Keys, count: int, key: str = "sk-usual", tokens: int = 0) -> int:
    """How many of so many, one after the other, are let in."""
    return sum([isinstance(await ask(security, key, tokens), Lease) for _ in range(count)])
