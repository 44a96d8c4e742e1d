"""What holds of every kind of security, whichever option of `conf/security` it is."""

import gc
import tracemalloc
from typing import Any

import pytest

from tests.components import build, options
from vgate.errors import ApiError
from vgate.limits.base import Standing
from vgate.security.base import Caller, Security

GOOD = "Bearer sk-b"
PATHS = ["/v1/chat/completions", "/v1/models", "/health", "/metrics", "/no-such-path", ""]
HEADERS = [None, "", GOOD, "Bearer", "Bearer ", "Basic c2stYg==", "sk-b", "Bearer sk-é", "Bearer \udcff", "x" * 10_000]


@pytest.fixture(params=options("security"))
def security(request: pytest.FixtureRequest) -> Any:
    return build("security", request.param)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
async def test_every_request_is_let_in_or_refused_with_a_status(
    security: Security, path: str, header: str | None
) -> None:
    answer = await ask(security, path, header)
    if isinstance(answer, ApiError):
        assert answer.status == 401
        assert answer.headers
    else:
        assert answer.name
        headers = {**(await security.enter(answer, 0)).headers, **await security.headers(answer)}
        assert all(isinstance(text, str) for pair in headers.items() for text in pair)


async def ask(security: Security, path: str, header: str | None) -> Caller | ApiError:
    try:
        return await security.identify(path, header)
    except ApiError as error:
        return error


async def test_how_each_key_stands_is_told_by_its_name(security: Security) -> None:
    for name, limits in security.limits.items():
        standing = await security.standing(name)
        assert (standing.requests is None) == (limits is None or limits.requests is None)
    assert await security.standing("nobody") == Standing()


async def test_a_good_key_is_let_in(security: Security) -> None:
    caller = await security.identify("/v1/chat/completions", GOOD)
    assert caller.name in ("b", "anonymous")
    lease = await security.enter(caller, 0)
    for tokens in (None, 5, 5):
        await lease.settle(tokens)


async def test_R9_R10_a_million_wrong_keys_leave_nothing_behind(security: Security) -> None:
    """A flood of them neither grows memory nor costs anybody else's limit."""
    await ask(security, "/v1/chat/completions", GOOD)
    for number in range(1000):
        await ask(security, "/v1/chat/completions", f"Bearer sk-warm-{number}")
    gc.collect()
    tracemalloc.start()
    for number in range(1_000_000 // 100):
        await ask(security, "/v1/chat/completions", f"Bearer sk-wrong-{number}")
    gc.collect()
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    for number in range(990_000):
        await ask(security, "/v1/chat/completions", f"Bearer sk-wrong-{number + 10_000}")
    assert grown < 20_000
    assert not isinstance(await ask(security, "/v1/chat/completions", GOOD), ApiError)


async def test_a_security_may_follow_any_other(security: Security) -> None:
    for option in options("security"):
        old = build("security", option)
        await ask(old, "/v1/chat/completions", GOOD)
        security.adopt(old)
        await old.close()
    assert not isinstance(await ask(security, "/v1/chat/completions", GOOD), ApiError)
    await security.close()
