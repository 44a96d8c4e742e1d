import asyncio
import itertools
import math
from typing import Any

import pytest

from tests.components import build
from vgate.errors import ApiError
from vgate.security import keys as keys_module
from vgate.security.base import Admission
from vgate.security.keys import Keys

PATH = "/v1/chat/completions"
API_KEYS = [{"key": "sk-ten", "name": "ten", "rate_limit": 10}, {"key": "sk-usual", "name": "usual"}]
# The wall clock in these tests: this at virtual time 0.
EPOCH = 1_700_000_000.25


@pytest.fixture(autouse=True)
def wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """`X-RateLimit-Reset` is in Unix time: let the wall clock go with the loop's."""

    class Wall:
        @staticmethod
        def time() -> float:
            return EPOCH + asyncio.get_running_loop().time()

    monkeypatch.setattr(keys_module, "time", Wall)


def build_keys(limit: int = 3, window_s: float = 60.0, *, enabled: bool = True) -> Keys:
    limiting = {"enabled": enabled, "default_limit": limit, "window_seconds": window_s}
    return build("security", "keys", api_keys=API_KEYS, rate_limiting=limiting)  # type: ignore[no-any-return]


def ask(security: Keys, key: str = "sk-usual", path: str = PATH) -> Admission | ApiError:
    try:
        return security.admit(path, f"Bearer {key}")
    except ApiError as error:
        return error


def passed(answers: list[Any]) -> int:
    return sum(isinstance(answer, Admission) for answer in answers)


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer sk-wrong", "Bearer sk-usua", "Bearer sk-usual2", "bearer SK-USUAL",
     "Basic sk-usual", "sk-usual", "Bearer sk-usual sk-usual", "Bearer,sk-usual", "Token sk-usual"],
)  # fmt: skip
async def test_401_without_a_known_key(header: str | None) -> None:
    with pytest.raises(ApiError) as caught:
        build_keys().admit(PATH, header)
    error = caught.value
    assert (error.status, error.code, error.kind) == (401, "invalid_api_key", "authentication_error")
    assert error.headers["www-authenticate"] == "Bearer"
    assert ("No API key" in error.message) == (not header)
    assert not header or "sk-" not in error.message


@pytest.mark.parametrize("header", ["Bearer sk-usual", "bearer sk-usual", "BEARER   sk-usual", "Bearer sk-usual "])
async def test_a_known_key_is_known_by_its_name(header: str) -> None:
    assert build_keys().admit(PATH, header).caller == "usual"


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
@pytest.mark.parametrize("header", [None, "Bearer sk-wrong", "Bearer sk-usual"])
async def test_exempt_paths_need_no_key_and_cost_nothing(path: str, header: str | None) -> None:
    security = build_keys(limit=1)
    for _ in range(5):
        admission = security.admit(path, header)
        assert (admission.caller, admission.headers) == ("anonymous", {})
    assert passed([ask(security)]) == 1


@pytest.mark.parametrize("path", ["/health/", "/healthy", "/HEALTH", "//health", "/v1/health", "/stats"])
async def test_only_those_paths_are_exempt(path: str) -> None:
    with pytest.raises(ApiError, match="No API key"):
        build_keys().admit(path, None)


async def test_R2_of_a_thousand_at_once_exactly_the_limit_passes() -> None:
    security = build_keys()

    async def one() -> Admission | ApiError:
        await asyncio.sleep(1.0)
        return ask(security, "sk-ten")

    answers = await asyncio.gather(*(one() for _ in range(1000)))
    assert passed(list(answers)) == 10
    assert {answer.status for answer in answers if isinstance(answer, ApiError)} == {429}


async def test_each_key_has_its_own_limit() -> None:
    security = build_keys(limit=3)
    keys = ["sk-ten", "sk-usual"] * 20
    admitted = [answer.caller for key in keys if isinstance(answer := ask(security, key), Admission)]
    assert (admitted.count("ten"), admitted.count("usual")) == (10, 3)


@pytest.mark.parametrize("pause", [0.0, 0.3, 7.1, 19.9])
async def test_R8_exactly_as_many_more_pass_as_the_headers_say(pause: float) -> None:
    """Each of three admissions says how many remain: that many pass, one more does not."""
    for asked in range(1, 4):
        security = build_keys(limit=3)
        for _ in range(asked):
            headers = ask(security).headers
            await asyncio.sleep(pause)
        assert (headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == ("3", str(3 - asked))
        assert [passed([ask(security)]) for _ in range(4 - asked)] == [1] * (3 - asked) + [0]


@pytest.mark.parametrize("pause", [0.0, 0.3, 7.1, 19.9])
async def test_R8_retry_after_is_enough_and_a_second_less_is_not(pause: float) -> None:
    security = build_keys(limit=3)
    for _ in range(3):
        ask(security)
        await asyncio.sleep(pause)
    refusal = ask(security)
    assert isinstance(refusal, ApiError)
    assert (refusal.status, refusal.code, refusal.headers["x-ratelimit-remaining"]) == (429, "rate_limit_exceeded", "0")
    wait = int(refusal.headers["retry-after"])
    await asyncio.sleep(wait - 1)
    assert passed([ask(security)]) == 0
    await asyncio.sleep(1)
    assert passed([ask(security)]) == 1


async def test_R8_reset_is_when_all_is_free_if_nothing_more_is_sent() -> None:
    security = build_keys(limit=3)
    ask(security)
    await asyncio.sleep(10.5)
    reset = int(ask(security).headers["x-ratelimit-reset"])
    assert reset == math.ceil(EPOCH + 10.5 + 60)
    await asyncio.sleep(reset - EPOCH - 10.5)
    assert passed([ask(security) for _ in range(4)]) == 3


async def test_R4_refusals_do_not_put_off_the_next_admission() -> None:
    """Someone who keeps knocking gets in as soon as someone who waits."""
    security = build_keys(limit=2, window_s=10.0)
    admitted = []
    for _ in range(41):
        admitted += [asyncio.get_running_loop().time()] * passed([ask(security)])
        await asyncio.sleep(0.5)
    assert admitted == [0.0, 0.5, 10.0, 10.5, 20.0]


async def test_R7_the_wall_clock_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    security = build_keys(limit=2)
    for jump in itertools.islice(itertools.cycle([-3600.0, 3600.0]), 20):
        monkeypatch.setattr(keys_module.time, "time", lambda jump=jump: EPOCH + jump)
        ask(security)
    assert passed([ask(security)]) == 0
    await asyncio.sleep(60)
    assert passed([ask(security) for _ in range(5)]) == 2


async def test_no_limit_and_no_headers_where_limiting_is_off() -> None:
    security = build_keys(limit=1, enabled=False)
    answers = [ask(security, "sk-ten") for _ in range(50)]
    assert passed(answers) == 50
    assert all(answer.headers == {} for answer in answers)


async def test_O6_keys_are_not_kept_in_plain() -> None:
    security = build_keys()
    ask(security)
    assert "sk-" not in repr(vars(security)) + repr([vars(window) for window in security._windows.values()])
