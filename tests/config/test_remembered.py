"""O6: a running server does not remember its admin token."""

from tests.config.composing import serve
from vgate.config.remembered import remembered
from vgate.config.schema import Settings

TOKEN = "0123456789-abcdef"


def with_token(token: str) -> Settings:
    return serve("admin=http", f"admin.token={token}").settings


def test_O6_only_its_digest_is_left() -> None:
    kept = remembered(with_token(TOKEN))
    assert TOKEN not in str(kept.model_dump())
    assert remembered(kept) == kept
    assert kept.model_copy(update={"admin": None}) == with_token(TOKEN).model_copy(update={"admin": None})


def test_another_token_is_seen_to_be_another() -> None:
    one, same, other = (remembered(with_token(token)) for token in (TOKEN, TOKEN, f"{TOKEN}x"))
    assert one == same
    assert one != other


def test_without_a_token_nothing_is_changed() -> None:
    settings = serve().settings
    assert remembered(settings) is settings
