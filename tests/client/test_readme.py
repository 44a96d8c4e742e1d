"""The examples of clients/python/README.md, as they stand there, against a gateway."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import Server, running

README = (Path(__file__).parents[2] / "clients" / "python" / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"## ([^\n]*)\n\n```python\n(.*?)```", README, re.DOTALL)
SERVER = re.search(r"`python -m vgate\.serve ([^`]*)`", README)
# The dry-run engine's words are not fixed here, their form is.
WORDS = r"\S+( \S+)*"
SAID = {
    "Ask": WORDS + r"\nUsage\(prompt_tokens=2, completion_tokens=16, total_tokens=18\) miss None\n",
    "Stream": WORDS + r"\n",
    "Many at once": f"({WORDS}\n){{3}}",
    "When it fails": r"not_found_error The model `no such model` does not exist\..* [0-9a-f]{32}\n",
    "Embed": r"\d+ -?\d\.\d+(e-\d+)?\n",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    assert SERVER
    with running(*SERVER[1].split(), "engine.decode_step_ms=1") as server:
        yield server


def test_there_are_five_examples() -> None:
    assert [title for title, _ in EXAMPLES] == list(SAID)


@pytest.mark.parametrize(("title", "code"), EXAMPLES, ids=[title for title, _ in EXAMPLES])
def test_example_runs(
    title: str, code: str, server: Server, no_settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    no_settings.setenv("VGATE_BASE_URL", f"{server.base_url}/v1")
    exec(compile(code, title, "exec"), {"__name__": "example"})  # noqa: S102  that is the point
    assert re.fullmatch(SAID[title], capsys.readouterr().out)
