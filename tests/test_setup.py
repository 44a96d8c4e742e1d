"""`make setup`: what it says when it cannot work. That it works is shown by the tests running at all."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent


@pytest.fixture
def checkout(tmp_path):
    """A checkout in which nothing was set up."""
    (tmp_path / "scripts").mkdir()
    for name in ("scripts/setup.sh", "scripts/no-cuda.txt", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def set_up(folder, **env):
    return subprocess.run(
        [folder / "scripts" / "setup.sh"], env=os.environ | env, capture_output=True, text=True, check=False
    )


def fake_python(folder, text):
    path = folder / "fake-python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_a_python_that_is_too_old_is_refused_in_one_line(checkout):
    old = fake_python(checkout, "exit 1")
    done = set_up(checkout, PYTHON=old)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"setup: no Python from 3.11 to 3.14 among: {old}\n"


def test_a_python_without_venv_is_refused_with_the_package_to_install(checkout):
    bare = fake_python(checkout, f'case "$*" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"')
    done = set_up(checkout, PYTHON=bare)
    assert done.returncode == 1
    assert done.stderr == f"setup: {bare} has no venv module; on Debian and Ubuntu: apt install python3-venv\n"
    assert not (checkout / ".venv").exists()


def test_where_no_torch_wheel_is_in_reach_it_says_where_it_looked(checkout):
    nowhere = "http://127.0.0.1:9"
    done = set_up(
        checkout,
        PYTHON=sys.executable,
        PIP_FIND_LINKS=str(checkout),
        UV_FIND_LINKS=str(checkout),
        TORCH_CPU_INDEX=nowhere,
        UV_HTTP_RETRIES="0",
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("setup: no torch==2.13.0+cpu for Python 3.")
    assert str(checkout) in last
    assert nowhere in last


in_own_venv = pytest.mark.skipif(
    Path(sys.prefix) != ROOT / ".venv", reason="these tests do not run in the .venv that `make setup` made"
)


@in_own_venv
def test_a_finished_set_up_is_left_alone():
    before = (ROOT / ".venv" / "vgate-setup.stamp").stat().st_mtime_ns
    done = set_up(ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (ROOT / ".venv" / "vgate-setup.stamp").stat().st_mtime_ns == before


def pins():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_every_pin_is_exact_and_free_of_addresses_and_cuda():
    assert len(pins()) > 100
    for name, version in pins().items():
        assert re.fullmatch(r"[0-9][0-9a-z.+]*", version)
        cuda = name.startswith(("nvidia-", "cuda-", "triton", "torchvision", "torchaudio", "torchcodec"))
        assert not cuda or name == "nvidia-ml-py"  # which holds no CUDA: it asks the driver


@in_own_venv
def test_everything_installed_has_the_pinned_version():
    installed = {
        canonicalize_name(dist.name): dist.version for dist in distributions(path=[sysconfig.get_path("purelib")])
    }
    del installed["vgate"]
    assert installed == {name: version for name, version in pins().items() if name in installed}
