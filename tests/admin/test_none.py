"""No admin port."""

import pytest

from vgate.admin.none import NoAdmin
from vgate.errors import ApiError


def test_there_is_no_port_and_nobody_is_let_in() -> None:
    admin = NoAdmin()
    assert admin.address is None
    with pytest.raises(ApiError) as caught:
        admin.check("Bearer whatever-it-may-be", 0.0)
    assert caught.value.status == 401
