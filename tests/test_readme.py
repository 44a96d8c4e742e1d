"""What the README says is true: its settings compose, its Python runs."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import Server, running
from vgate.config import compose
from vgate.harness.cells import expand
from vgate.harness.comparing.sides import read_sides

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
LINES = [line for kind, block in BLOCKS if kind == "bash" for line in block.splitlines()]
COMMANDS = [line for line in LINES if re.search(r"python -m vgate\.(serve|bench|capacity)", line)]
COMPARISONS = [line for line in LINES if "python -m vgate.compare" in line]
SNIPPETS = [block for kind, block in BLOCKS if kind == "python"]


@pytest.mark.parametrize("line", COMMANDS)
def test_settings_of_commands_are_right(line: str, tmp_path: Path) -> None:
    words = shlex.split(line, comments=True)
    environ = dict(word.split("=", 1) for word in words[: words.index("python")])
    if "VGATE_CONFIG_PATH" in environ:
        environ["VGATE_CONFIG_PATH"] = str(tmp_path / "vgate.yaml")
        Path(environ["VGATE_CONFIG_PATH"]).write_text("batch: {max_wait_time_ms: 5.0}\n", encoding="utf-8")
    program, *rest = words[words.index("-m") + 1 :]
    overrides = [word for word in rest if "=" in word and word != "+preset=mine"]  # written by another line
    if program in {"vgate.serve", "vgate.capacity"}:
        compose(program.removeprefix("vgate."), overrides, environ)
    else:
        assert expand(overrides, "-m" in rest)


@pytest.mark.parametrize("line", COMPARISONS)
def test_comparisons_are_right(line: str) -> None:
    words = shlex.split(line, comments=True)[3:]
    options = [place for place, word in enumerate(words) if word.startswith("--")]
    a, b, *common = words[: options[0] if options else None]
    assert read_sides(a, b, common).names[0] != read_sides(a, b, common).names[1]


@pytest.mark.parametrize("target", re.findall(r"^make (\w+)", "\n".join(LINES), re.MULTILINE))
def test_make_targets_exist(target: str) -> None:
    makefile = (Path(__file__).resolve().parents[1] / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("+preset=dry_run", "engine.decode_step_ms=1") as server:
        yield server


@pytest.mark.parametrize("code", SNIPPETS, ids=range(len(SNIPPETS)))
def test_python_runs(
    code: str, server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VGATE_BASE_URL", f"{server.base_url}/v1")
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102  that is the point
    assert capsys.readouterr().out.strip()
