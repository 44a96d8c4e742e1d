"""Keys and their limits, in virtual time."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.calls import call_of, chat
from tests.components import build
from tests.security.asking import PATH, Refused, Told, ask, build_keys, passed
from vgate.errors import ApiError
from vgate.limits.base import Limits, Standing, Store
from vgate.security.base import ANONYMOUS, Lease
from vgate.security.hashes import sha256_text

TEN = {"key": "sk-ten", "name": "ten", "rate_limit": 10}
USUAL = {"key": "sk-usual", "name": "usual"}


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer sk-wrong", "Bearer sk-usua", "Bearer sk-usual2", "bearer SK-USUAL",
     "Basic sk-usual", "sk-usual", "Bearer sk-usual sk-usual", "Bearer,sk-usual", "Token sk-usual"],
)  # fmt: skip
async def test_401_without_a_known_key(header: str | None) -> None:
    with pytest.raises(ApiError) as caught:
        await build_keys().identify(PATH, header)
    error = caught.value
    assert (error.status, error.code, error.kind) == (401, "invalid_api_key", "authentication_error")
    assert error.headers == {"www-authenticate": "Bearer"}
    assert ("No API key" in error.message) == (not header)
    assert not header or "sk-" not in error.message


@pytest.mark.parametrize("header", ["Bearer sk-usual", "bearer sk-usual", "BEARER   sk-usual", "Bearer sk-usual "])
async def test_a_known_key_is_known_by_its_name(header: str) -> None:
    assert (await build_keys().identify(PATH, header)).name == "usual"


async def test_a_key_may_come_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("sk-file\n", encoding="utf-8")
    monkeypatch.setenv("PRODUCTION_KEY", "sk-variable")
    security = build_keys(
        {"key": "sk-plain", "name": "plain"},
        {"hash": sha256_text("sk-hash"), "name": "hash"},
        {"key_file": str(tmp_path / "key"), "name": "file"},
        {"key_env": "PRODUCTION_KEY", "name": "variable"},
    )
    for name in ("plain", "hash", "file", "variable"):
        assert (await security.identify(PATH, f"Bearer sk-{name}")).name == name


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
@pytest.mark.parametrize("header", [None, "Bearer sk-wrong", "Bearer sk-usual"])
async def test_exempt_paths_need_no_key_and_cost_nothing(path: str, header: str | None) -> None:
    security = build_keys(default_limit=1)
    for _ in range(5):
        caller = await security.identify(path, header)
        assert caller is ANONYMOUS
        assert (await security.enter(caller, 0)).headers == await security.headers(caller) == {}
    assert await passed(security, 5) == 1


@pytest.mark.parametrize("path", ["/health/", "/healthy", "/HEALTH", "//health", "/v1/health", "/stats"])
async def test_only_those_paths_are_exempt(path: str) -> None:
    with pytest.raises(ApiError, match="No API key"):
        await build_keys().identify(path, None)


async def test_R2_of_a_thousand_at_once_exactly_the_limit_passes() -> None:
    security = build_keys(TEN)

    async def one() -> Lease | Refused:
        await asyncio.sleep(1.0)
        return await ask(security, "sk-ten")

    answers = await asyncio.gather(*(one() for _ in range(1000)))
    assert sum(isinstance(answer, Lease) for answer in answers) == 10
    assert {answer.status for answer in answers if isinstance(answer, Refused)} == {429}


async def test_each_key_has_its_own_limit() -> None:
    security = build_keys(TEN, USUAL)
    assert [await passed(security, 20, key) for key in ("sk-ten", "sk-usual", "sk-ten")] == [10, 3, 0]


async def test_no_limit_and_no_headers_where_limiting_is_off() -> None:
    security = build_keys({**TEN, "token_limit": 1, "concurrency": 1}, enabled=False)
    answers = [await ask(security, "sk-ten", tokens=100) for _ in range(50)]
    assert all(isinstance(answer, Lease) and answer.headers == {} for answer in answers)


async def test_a_key_without_any_limit() -> None:
    security = build_keys(default_limit=None)
    assert await passed(security, 100) == 100


async def test_R6_a_lease_is_settled_once() -> None:
    security = build_keys({**USUAL, "token_limit": 100, "concurrency": 1}, default_limit=None)
    lease = await ask(security, tokens=80)
    assert isinstance(lease, Lease)
    refused = await ask(security, tokens=10)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.headers["retry-after"]) == ("concurrency_limit_exceeded", "1")
    for tokens in (30, 0, None, 99):
        await lease.settle(tokens)
    assert [await passed(security, 1, tokens=tokens) for tokens in (71, 70, 1)] == [0, 1, 0]


async def test_R6_a_generation_that_goes_on_for_others_is_charged_when_it_ends() -> None:
    security = build_keys({**USUAL, "token_limit": 100, "concurrency": 1}, default_limit=None)
    lease = await ask(security, tokens=80)
    assert isinstance(lease, Lease)
    await lease.settle(None)
    await lease.settle(None)
    assert [await passed(security, 1, tokens=tokens) for tokens in (21, 20)] == [0, 1]
    await lease.settle(30)
    assert (await security.headers(await security.identify(PATH, "Bearer sk-usual")))[
        "x-ratelimit-remaining-tokens"
    ] == "50"


async def test_what_could_never_be_let_in_is_told_at_once() -> None:
    security = build_keys({**USUAL, "token_limit": 100})
    refused = await ask(security, tokens=101)
    assert isinstance(refused, Refused)
    assert (refused.status, refused.code) == (400, "token_limit_too_low")
    assert refused.headers["x-ratelimit-remaining"] == "3"
    assert "retry-after" not in refused.headers
    assert "101 tokens, more than the 100" in refused.message


async def test_a_call_is_weighed_where_its_tokens_are_limited() -> None:
    security = build_keys({**USUAL, "token_limit": 10**6}, {"key": "sk-b", "name": "b"})
    call = chat("hello", max_tokens=100)
    weights = [
        security.weigh(await security.identify(PATH, f"Bearer {key}"), call, 4096) for key in ("sk-usual", "sk-b")
    ]
    assert 100 < weights[0] < 200
    assert weights[1] == security.weigh(ANONYMOUS, call, 4096) == 0
    assert call_of(call.body, "chat").body == call.body


async def test_what_a_key_may_use_comes_with_its_caller() -> None:
    scoped = {**USUAL, "models": ["tiny"], "cache_scope": "team", "priority": 3}
    caller = await build_keys(scoped).identify(PATH, "Bearer sk-usual")
    assert (caller.models, caller.cache_scope, caller.priority) == (frozenset({"tiny"}), "team", 3)
    for asked in ("other", 5, ["tiny"], {"a": 1}):
        with pytest.raises(ApiError) as caught:
            caller.check_model(asked, "tiny")
        assert (caught.value.status, caught.value.code) == (404, "model_not_found")
    caller.check_model("tiny", "other")
    caller.check_model(None, "tiny")


async def test_every_decision_is_told_in_a_word() -> None:
    told = Told()
    security = build_keys({**USUAL, "token_limit": 100, "concurrency": 1}, failures=1, observer=told)
    lease = await ask(security, tokens=100)
    assert isinstance(lease, Lease)
    await ask(security, tokens=1)
    await lease.settle(0)
    for _ in range(4):
        await ask(security)
    await ask(security, tokens=1000)
    for _ in range(2):
        await ask(security, "sk-wrong")
    expected = ["allowed", "tokens", "allowed", *["concurrency"] * 3, "tokens", "unauthenticated", "pre_auth"]
    assert told.decisions == expected
    told.decisions.clear()
    await passed(build_keys(default_limit=1, observer=told), 2)
    assert told.decisions == ["allowed", "requests"]


class Down(Store):
    """A store that cannot be asked."""

    def __init__(self, choice: Any) -> None:
        self._choice = choice

    async def enter(self, name: str, limits: Limits, tokens: int) -> Standing:
        return Standing(without=self._choice)

    async def settle(self, place: Any, tokens: int | None) -> None:
        raise AssertionError("there is nothing to settle")

    async def look(self, name: str, limits: Limits) -> Standing:
        return Standing(without=self._choice)


@pytest.mark.parametrize(("choice", "status"), [("open", 200), ("closed", 503), ("local", 200)])
async def test_R12_without_its_store_it_does_what_was_chosen_and_counts_it(choice: str, status: int) -> None:
    told = Told()
    security = build_keys(store=Down(choice), observer=told)
    answer = await ask(security)
    assert told.decisions == [f"store_{choice}"]
    assert await security.headers(await security.identify(PATH, "Bearer sk-usual")) == {}
    if isinstance(answer, Lease):
        await answer.settle(5)
        assert (status, answer.headers) == (200, {})
    else:
        assert (answer.status, answer.code, answer.headers) == (status, "limits_unavailable", {"retry-after": "5"})


async def test_R13_a_key_that_is_still_there_keeps_what_it_has_used() -> None:
    old = build_keys(TEN, USUAL)
    held = await ask(old, "sk-ten")
    assert await passed(old, 20, "sk-ten") == 9
    renewed = {"key": "sk-new", "name": "ten", "rate_limit": 12, "concurrency": 3}
    new = build_keys(renewed, {"key": "sk-other", "name": "other"})
    new.adopt(old)
    await old.close()
    assert await passed(new, 20, "sk-new") == 0  # ten slots are open, and three allowed
    assert isinstance(held, Lease)
    assert await passed(new, 20, "sk-other") == 3
    await asyncio.sleep(60)
    assert await passed(new, 20, "sk-new") == 0


async def test_R13_another_kind_of_security_has_nothing_to_hand_over() -> None:
    security = build_keys(default_limit=1)
    security.adopt(build("security", "none"))
    assert await passed(security, 2) == 1
    nobody = build("security", "none")
    nobody.adopt(security)
    await nobody.close()


async def test_R9_idle_keys_are_forgotten() -> None:
    keys = [{"key": f"sk-{number}", "name": f"{number}"} for number in range(1000)]
    store = build("limits", "memory")
    security = build_keys(*keys, store=store)
    for number in range(1000):
        lease = await ask(security, f"sk-{number}")
        assert isinstance(lease, Lease)
        await lease.settle(0)
    assert len(store) == 1000
    await asyncio.sleep(60)
    await ask(security, "sk-5")
    assert len(store) == 1


async def test_O6_keys_are_not_kept_in_plain() -> None:
    security = build_keys()
    await ask(security)
    kept = [security, security.strangers, security.store, *(caller for _, caller in security._callers.values())]
    assert "sk-" not in repr([{name: getattr(one, name) for name in _names(one)} for one in kept])


def _names(one: object) -> list[str]:
    return list(vars(one)) if hasattr(one, "__dict__") else list(type(one).__slots__)  # type: ignore[attr-defined]
