"""`server.cors`: origins as browsers send them, or none of it would ever match."""

import pytest

from tests.config.composing import serve, wrong
from vgate.config import ConfigError, from_resolved


def cors(origins: str, *others: str) -> list[str]:
    return [f"server.cors.allow_origins=[{origins}]", *(f"server.cors.{other}" for other in others)]


def test_off_by_default() -> None:
    assert serve().settings.server.cors.allow_origins == []


@pytest.mark.parametrize(
    "origin", ["https://a.example", "http://localhost:3000", "http://[::1]:3000", "app://obsidian.md", "*"]
)
def test_origins(origin: str) -> None:
    assert serve(*cors(f"'{origin}'")).settings.server.cors.allow_origins == [origin]


@pytest.mark.parametrize(
    "origin",
    ["a.example", "https://a.example/", "https://A.example", "https://a.example/path", "https://a.example:443", "",
     "http://a.example:80", "https://*.example", "https://a.example?x=1", "https://me@a.example", "null"],
)  # fmt: skip
def test_what_no_browser_sends_is_refused(origin: str) -> None:
    line = wrong(*cors(f"https://b.example,'{origin}'"))
    assert line.startswith("server.cors.allow_origins = ")
    assert f"{origin!r} is sent by no browser" in line


def test_everybody_with_credentials_is_refused() -> None:
    line = wrong(*cors("'*'", "allow_credentials=true"))
    assert line.endswith("must name origins instead of '*' where server.cors.allow_credentials is true")
    assert serve(*cors("https://a.example", "allow_credentials=true")).notes == []


def test_other_values() -> None:
    assert "server.cors.allow_methods" in wrong(*cors("'*'", "allow_methods=[FETCH]"))
    assert "server.cors.max_age_s = -1" in wrong(*cors("'*'", "max_age_s=-1"))


@pytest.mark.parametrize("which", ["allow_headers", "expose_headers"])
@pytest.mark.parametrize("name", ["X-A\r\nSet-Cookie: a=b", "X A", "X-\u20ac", "X-A: b", ""])
def test_what_is_no_name_of_a_header_is_refused(which: str, name: str) -> None:
    """It would be written into each answer, or none could be sent any more."""
    changed = serve(*cors("'*'")).container["server"]["cors"] | {which: ["X-A", name]}
    with pytest.raises(ConfigError, match=rf"^server\.cors\.{which} = .* is no name of a header$"):
        from_resolved({**serve().container, "server": {**serve().container["server"], "cors": changed}}, "a test")
