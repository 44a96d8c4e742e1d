"""Keys behind a slow hash, and floods of wrong ones (R10)."""

import asyncio
import threading
from typing import Any

import pytest

from tests.security.asking import PATH, Refused, ask, build_keys, passed
from vgate.errors import ApiError
from vgate.security import hashes
from vgate.security.base import Lease
from vgate.security.hashes import Scrypt, scrypt_text
from vgate.security.keys import Keys

QUICK = (2, 1, 1)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """In which thread each slow hash was made."""
    made: list[str] = []

    def matches(self: Scrypt, key: str, matches: Any = Scrypt.matches) -> bool:
        made.append(threading.current_thread().name)
        return bool(matches(self, key))

    monkeypatch.setattr(hashes.Scrypt, "matches", matches)
    return made


def slow_keys(*names: str, failures: int = 20, **changes: Any) -> Keys:
    keys = [{"hash": scrypt_text(f"sk-{name}", QUICK), "name": name} for name in names]
    return build_keys(*keys, failures=failures, default_limit=None, **changes)


@pytest.mark.real_time
async def test_it_is_made_once_in_another_thread_and_then_known(counted: list[str]) -> None:
    security = slow_keys("a", "b")
    for _ in range(5):
        assert (await security.identify(PATH, "Bearer sk-b")).name == "b"
    assert len(counted) == 2  # a's hash was tried first
    assert all(thread.startswith("vgate-scrypt") for thread in counted)
    await security.close()


@pytest.mark.real_time
async def test_many_who_come_with_the_same_new_key_cost_one_hash(counted: list[str]) -> None:
    security = slow_keys("a", failures=1)
    callers = await asyncio.gather(*(security.identify(PATH, "Bearer sk-a") for _ in range(100)))
    assert {caller.name for caller in callers} == {"a"}
    assert len(counted) == 1
    await security.close()


@pytest.mark.real_time
async def test_R10_a_flood_is_refused_before_it_is_hashed_and_locks_nobody_out(counted: list[str]) -> None:
    security = slow_keys("a", "b", failures=5)
    assert await passed(security, 1, "sk-a") == 1
    before = len(counted)
    flood = await asyncio.gather(*(ask(security, f"sk-wrong-{number}") for number in range(2000)))
    statuses = [answer.status for answer in flood if isinstance(answer, Refused)]
    assert (statuses.count(401), statuses.count(429)) == (5, 1995)
    assert len(counted) - before == 10
    assert await passed(security, 10, "sk-a") == 10
    refused = await ask(security, "sk-b")
    assert isinstance(refused, Refused)
    assert (refused.status, refused.code, refused.headers["retry-after"]) == (429, "too_many_unknown_keys", "1")
    await asyncio.sleep(1.05)
    assert isinstance(await ask(security, "sk-b"), Lease)
    await security.close()


@pytest.mark.real_time
async def test_R9_R10_wrong_keys_leave_nothing_and_right_ones_a_digest_each(counted: list[str]) -> None:
    security = slow_keys("a", "b", failures=10_000)
    for number in range(300):
        await ask(security, f"sk-wrong-{number}")
    for key in ("sk-a", "sk-b", "sk-a"):
        await ask(security, key)
    assert len(security.strangers.known) == 2
    assert not security.strangers._looking
    await security.close()


@pytest.mark.real_time
async def test_R13_keys_that_were_found_are_known_to_the_next(counted: list[str]) -> None:
    keys = [{"hash": scrypt_text(f"sk-{name}", QUICK), "name": name} for name in ("a", "b")]
    old, new = build_keys(*keys), build_keys(keys[0])
    for key in ("sk-a", "sk-b"):
        await ask(old, key)
    new.adopt(old)
    await old.close()
    made = len(counted)
    assert (await new.identify(PATH, "Bearer sk-a")).name == "a"
    assert len(counted) == made
    with pytest.raises(ApiError):
        await new.identify(PATH, "Bearer sk-b")
    await new.close()


async def test_R10_wrong_keys_where_no_hash_is_slow_are_bounded_too() -> None:
    security = build_keys(failures=7)
    statuses = [answer.status for _ in range(50) if isinstance(answer := await ask(security, "sk-no"), Refused)]
    assert (statuses.count(401), statuses.count(429)) == (7, 43)
    assert await passed(security, 3) == 3
    await asyncio.sleep(1.0)
    again = await ask(security, "sk-no")
    assert isinstance(again, Refused)
    assert again.status == 401


async def test_a_request_without_a_key_is_told_so_however_many_there_are() -> None:
    security = build_keys(failures=1)
    for _ in range(50):
        with pytest.raises(ApiError, match="No API key"):
            await security.identify(PATH, None)
