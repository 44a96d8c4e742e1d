"""What holds of every kind of security, whichever option of `conf/security` it is."""

from typing import Any

import pytest

from tests.components import build, options
from vgate.errors import ApiError
from vgate.security.base import Admission, Security

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
    answer = ask(security, path, header)
    if isinstance(answer, ApiError):
        assert answer.status == 401
        assert answer.headers
    else:
        assert answer.caller
    assert all(isinstance(text, str) for pair in answer.headers.items() for text in pair)


def ask(security: Security, path: str, header: str | None) -> Admission | ApiError:
    try:
        return security.admit(path, header)
    except ApiError as error:
        return error


async def test_a_good_key_is_let_in(security: Security) -> None:
    assert security.admit("/v1/chat/completions", GOOD).caller in ("b", "anonymous")


async def test_R10_who_is_refused_leaves_nothing_behind(security: Security) -> None:
    """A flood of wrong keys neither grows memory nor costs anybody else's limit."""
    before = sizes(security)
    for number in range(1000):
        ask(security, "/v1/chat/completions", f"Bearer sk-wrong-{number}")
    assert sizes(security) == before


def sizes(security: Security) -> list[tuple[str, int]]:
    """How much each container of the object holds."""
    return [(name, len(value)) for name, value in vars(security).items() if hasattr(value, "__len__")]
