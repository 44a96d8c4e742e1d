"""The section `admin`: types and bounds. Values and their meaning: the files under `conf/admin/`."""

import re
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from vgate.config.elsewhere import from_environment, from_file
from vgate.config.sections import Component, target_of

SHORTEST = 16
_TOKEN = re.compile(r"[\x21-\x7e]+")
_ONE = "admin.token_file, admin.token_env or admin.token"


class NoAdminSettings(Component):
    target: Literal["vgate.admin.none.NoAdmin"] = Field(alias="_target_")


class HttpAdminSettings(Component):
    target: Literal["vgate.admin.http.HttpAdmin"] = Field(alias="_target_")
    host: str = Field(min_length=1)
    port: int = Field(ge=0, le=65535)
    token_file: str | None = Field(repr=False)
    token_env: str | None = Field(repr=False)
    token: str | None = Field(repr=False)  # last: its check needs the others

    @field_validator("token_file")
    @classmethod
    def _good_file(cls, path: str | None) -> str | None:
        if path is not None:
            check_token(from_file(path), "the file has")
        return path

    @field_validator("token_env")
    @classmethod
    def _good_variable(cls, name: str | None) -> str | None:
        if name is not None:
            check_token(from_environment(name), "the variable has")
        return name

    @field_validator("token")
    @classmethod
    def _one_of_three(cls, token: str | None, info: ValidationInfo) -> str | None:
        if token is not None:
            check_token(token, "has")
        others = [info.data.get(name) for name in ("token_file", "token_env")]
        given = sum(value is not None for value in [token, *others])
        # One that is wrong is told of by itself.
        if given == 0 and info.data.keys() >= {"token_file", "token_env"}:
            raise ValueError(f"there is no default token; give {_ONE}")
        if given > 1:
            raise ValueError(f"only one may be given of {_ONE}")
        return token


def check_token(token: str, has: str) -> None:
    """Raises ValueError for a token that is easily guessed, or that no header can carry."""
    if len(token) < SHORTEST:
        raise ValueError(f"{has} fewer than {SHORTEST} characters")
    if not _TOKEN.fullmatch(token):
        raise ValueError(f"{has} characters other than visible ASCII, which a header cannot carry")


def no_admin() -> NoAdminSettings:
    """What a configuration says that was kept before there was an admin port."""
    return NoAdminSettings.model_validate({"_target_": "vgate.admin.none.NoAdmin"})


Admin = Annotated[
    Annotated[NoAdminSettings, Tag("vgate.admin.none.NoAdmin")]
    | Annotated[HttpAdminSettings, Tag("vgate.admin.http.HttpAdmin")],
    Discriminator(target_of),
]
