"""The token of the admin port: where it comes from, who passes, and how often it can be tried."""

from pathlib import Path
from typing import Any

import pytest

from vgate.admin.http import FAILURES, HttpAdmin
from vgate.errors import ApiError

TOKEN = "correct-horse-battery"
WRONG = "Bearer wrong-horse-battery"


def admin(**changes: Any) -> HttpAdmin:
    return HttpAdmin(
        **{"host": "127.0.0.1", "port": 0, "token": TOKEN, "token_file": None, "token_env": None, **changes}
    )


def status(door: HttpAdmin, authorization: str | None, now: float = 0.0) -> int:
    """200 for who is let in."""
    try:
        door.check(authorization, now)
    except ApiError as error:
        return error.status
    return 200


def test_the_token_may_lie_in_a_file_or_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    monkeypatch.setenv("OPERATOR", TOKEN)
    for door in (admin(token=None, token_file=str(path)), admin(token=None, token_env="OPERATOR")):
        assert status(door, f"Bearer {TOKEN}") == 200
        assert status(door, WRONG) == 401


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.upper()}",
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer",
        "Bearer \udcff",
    ],
)
def test_who_does_not_show_it_is_401(authorization: str | None) -> None:
    with pytest.raises(ApiError) as caught:
        admin().check(authorization, 0.0)
    assert (caught.value.status, caught.value.code) == (401, "invalid_admin_token")
    assert caught.value.headers == {"www-authenticate": "Bearer"}
    assert TOKEN not in str(caught.value.body())


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(scheme: str) -> None:
    assert status(admin(), f"{scheme} {TOKEN}") == 200


def test_tries_are_bounded_in_any_second() -> None:
    """For every alignment: 10, then none, not even the right one, until the first of them is a second ago."""
    door = admin()
    tries = [(number * 0.05, status(door, WRONG, number * 0.05)) for number in range(100)]
    compared = [at for at, answer in tries if answer == 401]
    assert all(sum(begin <= at < begin + 0.999 for at in compared) <= FAILURES for begin, _ in tries)
    assert {answer for _, answer in tries} == {401, 429}
    assert status(door, f"Bearer {TOKEN}", 4.96) == 429
    assert status(door, f"Bearer {TOKEN}", 5.96) == 200


def test_who_shows_nothing_tries_nothing_and_locks_nobody_out() -> None:
    """All that a page in a browser can send."""
    door = admin()
    assert {status(door, None) for _ in range(1000)} == {401}
    assert status(door, f"Bearer {TOKEN}") == 200


def test_right_ones_are_not_counted() -> None:
    door = admin()
    assert {status(door, f"Bearer {TOKEN}") for _ in range(1000)} == {200}


def test_O6_the_token_is_not_kept() -> None:
    door = admin()
    door_says = f"{vars(door)} {door!r}"
    assert TOKEN not in door_says


def test_O6_comparing_goes_through_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a comparison whose time does not depend on where the two differ."""
    compared: list[tuple[bytes, bytes]] = []

    def constant_time(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr("vgate.admin.http.hmac.compare_digest", constant_time)
    assert status(admin(), WRONG) == 401
    assert [len(digest) for pair in compared for digest in pair] == [32, 32]
