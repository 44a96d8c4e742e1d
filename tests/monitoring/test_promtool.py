"""`scripts/promtool.sh`: takes one program out of a package, and only where there is none."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.monitoring.promtool import ROOT

NEEDED = ("bash", "cat", "dirname", "id", "install", "mkdir", "mktemp", "rm")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/promtool.sh", tmp_path / "scripts/promtool.sh")
    (tmp_path / "bin").mkdir()
    for name in NEEDED:
        program = shutil.which(name)
        assert program
        (tmp_path / "bin" / name).symlink_to(program)
    return tmp_path


def tool(checkout: Path, name: str, text: str) -> None:
    path = checkout / "bin" / name
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)


def run(checkout: Path) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "PATH": str(checkout / "bin")}
    return subprocess.run(
        [checkout / "scripts/promtool.sh"], cwd=checkout, env=env, capture_output=True, text=True, check=False
    )


def test_where_there_is_one_nothing_is_done(checkout: Path) -> None:
    tool(checkout, "promtool", "exit 1")
    tool(checkout, "apt-get", "exit 1")
    done = run(checkout)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (checkout / ".venv").exists()


def test_what_is_no_debian_is_told_so(checkout: Path) -> None:
    done = run(checkout)
    assert done.returncode == 0
    assert done.stderr.startswith("promtool: there is none")


def test_a_package_out_of_reach_is_told_with_what_to_do(checkout: Path) -> None:
    tool(checkout, "apt-get", "echo 'E: no network' >&2; exit 100")
    tool(checkout, "dpkg-deb", "exit 1")
    done = run(checkout)
    assert done.returncode == 0
    assert "E: no network" in done.stderr
    assert "apt install --no-install-recommends prometheus" in done.stderr


def test_only_the_tool_is_taken_out_of_the_package(checkout: Path) -> None:
    tool(checkout, "apt-get", 'echo "$*" >> "$OLDPWD/asked"; [ "$1" = download ] && echo > prometheus_2.42_amd64.deb')
    tool(
        checkout,
        "dpkg-deb",
        'mkdir -p "$3/usr/bin"; echo tool > "$3/usr/bin/promtool"; echo more > "$3/usr/bin/prometheus"',
    )
    assert run(checkout).returncode == 0
    assert [path.name for path in (checkout / ".venv/bin").iterdir()] == ["promtool"]
    assert os.access(checkout / ".venv/bin/promtool", os.X_OK)
    assert (checkout / "asked").read_text() == "download -qq prometheus\n"
    assert run(checkout).stdout == ""
