"""What holds of every option of the admin port."""

from typing import Any

import pytest

from tests.components import build, options
from vgate.admin.base import Admin
from vgate.errors import ApiError

HEADERS = [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic c2stYg==", "Bearer é", "Bearer \udcff", "x" * 10_000]


@pytest.fixture(params=options("admin"))
def admin(request: pytest.FixtureRequest) -> Any:
    return build("admin", request.param, token="0123456789-abcdef")


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
def test_O8_nobody_is_let_in_without_the_token(admin: Admin, header: str | None) -> None:
    with pytest.raises(ApiError) as caught:
        admin.check(header, 0.0)
    assert caught.value.status == 401


def test_by_itself_it_is_reached_from_this_machine_alone(admin: Admin) -> None:
    assert admin.address is None or admin.address[0] == "127.0.0.1"
