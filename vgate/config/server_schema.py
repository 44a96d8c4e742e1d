"""The section `server`: types and bounds. Values and their meaning: `conf/server/`."""

import re
import ssl
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from vgate.config.elsewhere import from_environment, from_file, readable
from vgate.config.sections import MOST_WHOLE, NotNegative, Positive, PositiveFloat, Section

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s*A-Z]+")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NEEDS_KEY = ("client_ca_file", "key_password_file", "key_password_env")


class TlsSettings(Section):
    cert_file: str | None
    client_ca_file: str | None
    key_password_file: str | None = Field(repr=False)
    key_password_env: str | None = Field(repr=False)
    key_file: str | None = Field(repr=False)  # last: its check needs the others

    @property
    def on(self) -> bool:
        """Whether the server speaks HTTPS."""
        return self.cert_file is not None

    @property
    def password(self) -> str | None:
        """Of the key, as it is now; raises ValueError."""
        return _password(self.key_password_file, self.key_password_env)

    @field_validator("cert_file", "client_ca_file")
    @classmethod
    def _certificates(cls, path: str | None) -> str | None:
        if path is not None:
            readable(path)
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(path)
            except ssl.SSLError:
                raise ValueError("holds no certificate in PEM") from None
        return path

    @field_validator("key_password_file")
    @classmethod
    def _password_file(cls, path: str | None) -> str | None:
        if path is not None:
            from_file(path)
        return path

    @field_validator("key_password_env")
    @classmethod
    def _password_variable(cls, name: str | None, info: ValidationInfo) -> str | None:
        if name is not None:
            from_environment(name)
            if info.data.get("key_password_file") is not None:
                raise ValueError("only one may be given of it and server.tls.key_password_file")
        return name

    @field_validator("key_file")
    @classmethod
    def _key_of_the_certificate(cls, path: str | None, info: ValidationInfo) -> str | None:
        given = [name for name in ("cert_file", *_NEEDS_KEY) if info.data.get(name) is not None]
        if path is None and given:
            raise ValueError(f"must be given too, for server.tls.{given[0]} is")
        if path is None or not info.data.keys() >= {"cert_file", *_NEEDS_KEY}:
            return path  # nothing to check, or what is wrong has been said
        if info.data["cert_file"] is None:
            raise ValueError("needs server.tls.cert_file beside it")
        password = _password(info.data["key_password_file"], info.data["key_password_env"])
        _check_pair(info.data["cert_file"], path, password)
        return path


def _password(path: str | None, name: str | None) -> str | None:
    if path is not None:
        return from_file(path)
    return None if name is None else from_environment(name)


def _check_pair(cert_file: str, key_file: str, password: str | None) -> None:
    """Raises ValueError where OpenSSL could not serve with these."""
    encrypted = "ENCRYPTED" in readable(key_file)
    if encrypted and password is None:
        told = "server.tls.key_password_file or server.tls.key_password_env must say where its password is"
        raise ValueError(f"is encrypted; {told}")
    try:
        # Always with a function: without one OpenSSL would ask on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert_file, key_file, lambda: password or "")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ValueError(f"is not the key of the certificate in {cert_file}") from None
        raise ValueError("the password is wrong" if encrypted else "holds no private key in PEM") from None


class CorsSettings(Section):
    allow_credentials: bool
    allow_origins: list[str]
    allow_methods: list[Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]]
    allow_headers: list[str]
    expose_headers: list[str]
    max_age_s: int = Field(ge=0, le=MOST_WHOLE)

    @field_validator("allow_origins")
    @classmethod
    def _as_browsers_send_them(cls, origins: list[str], info: ValidationInfo) -> list[str]:
        if "*" in origins and info.data.get("allow_credentials"):
            raise ValueError("must name origins instead of '*' where server.cors.allow_credentials is true")
        for origin in origins:
            default_port = origin.startswith("http://") and origin.endswith(":80")
            default_port = default_port or (origin.startswith("https://") and origin.endswith(":443"))
            if origin != "*" and (not _ORIGIN.fullmatch(origin) or default_port):
                told = "'*', or scheme://host or scheme://host:port in lower case, without a path or a default port"
                raise ValueError(f"{origin!r} is sent by no browser; each must be {told}")
        return origins

    @field_validator("allow_headers", "expose_headers")
    @classmethod
    def _names(cls, headers: list[str]) -> list[str]:
        for name in headers:
            if not _HEADER.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a header")
        return headers


def no_tls() -> TlsSettings:
    """What a configuration says that was kept before there was TLS."""
    return TlsSettings(
        cert_file=None, client_ca_file=None, key_password_file=None, key_password_env=None, key_file=None
    )


def no_cors() -> CorsSettings:
    """What a configuration says that was kept before there was CORS."""
    return CorsSettings(
        allow_credentials=False, allow_origins=[], allow_methods=[], allow_headers=[], expose_headers=[], max_age_s=0
    )


class ServerSettings(Section):
    host: str = Field(min_length=1)  # an empty one would be every address of this machine
    port: int = Field(ge=0, le=65535)
    max_body_bytes: Positive
    client_timeout_s: PositiveFloat = 60.0
    drain_delay_s: NotNegative = 0.0
    reuse_port: bool = False
    shutdown_grace_s: NotNegative
    deadline_ms: PositiveFloat | None
    server_timing: bool = True
    tls: TlsSettings = Field(default_factory=no_tls)
    cors: CorsSettings = Field(default_factory=no_cors)
