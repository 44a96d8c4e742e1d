"""What a person gets who installs the wheel instead of working in a clone."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: Everything that `pip install vgate` may bring: httpx and what it needs.
LIGHT = {"vgate", "httpx", "httpcore", "h11", "anyio", "idna", "certifi", "sniffio", "typing-extensions"}
HEAVY = {"torch", "vllm", "fastapi", "pandas", "hydra", "locust", "matplotlib", "prometheus_client"}


def run(*command, cwd=None, **env):
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=os.environ | env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def light_python(wheel, tmp_path_factory):
    """A Python in which only the wheel was installed, without extras."""
    venv = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", "--without-pip", venv)
    python = venv / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--quiet", "--constraint", ROOT / "constraints.txt", wheel)
    return python


def test_wheel_holds_the_package_its_data_and_the_whole_config_tree(unpacked):
    shipped = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    options = {str(Path("vgate") / path.relative_to(ROOT)) for path in (ROOT / "conf").rglob("*.yaml")}
    data = {"vgate/models/corpus.txt", "vgate/models/chat_template.jinja", "vgate/py.typed"}
    data |= {"vgate/api/live/page.html", "vgate/harness/page/style.css"}
    assert options
    assert options | data <= shipped
    assert {path.split("/")[0] for path in shipped} == {"vgate", "vgate-0.4.0.dist-info"}


def test_O10_every_file_of_the_wheel_is_byte_for_byte_that_of_the_repository_and_none_is_left_out(unpacked):
    ours = {f"vgate/{path.relative_to(ROOT / 'vgate')}": path for path in (ROOT / "vgate").rglob("*")}
    ours |= {f"vgate/{path.relative_to(ROOT)}": path for path in (ROOT / "conf").rglob("*")}
    wanted = {name: path for name, path in ours.items() if path.is_file() and "__pycache__" not in name}
    shipped = {str(path.relative_to(unpacked)): path for path in (unpacked / "vgate").rglob("*") if path.is_file()}
    assert shipped.keys() == wanted.keys()
    assert [name for name, path in shipped.items() if path.read_bytes() != wanted[name].read_bytes()] == []


def test_O10_every_package_that_is_installed_has_one_version():
    pins = [line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][^ ;*]*", pin) for pin in pins)
    names = [pin.partition("==")[0] for pin in pins]
    assert names == sorted(set(names))


def test_wheel_holds_nothing_that_was_built(unpacked):
    assert not [path for path in unpacked.rglob("*") if path.suffix in {".pyc", ".safetensors", ".parquet"}]
    assert sum(path.stat().st_size for path in unpacked.rglob("*")) < 3_000_000


def test_installing_without_extras_brings_only_light_packages(light_python):
    listed = run(sys.executable, "-m", "pip", "--python", light_python, "list", "--format", "json")
    names = {package["name"].lower().replace("_", "-") for package in json.loads(listed)}
    assert {"vgate", "httpx"} <= names <= LIGHT


def test_light_install_offers_the_client(light_python, tmp_path):
    code = "import sys, vgate; vgate.Chat, vgate.AsyncChat, vgate.Embedding; print(*sys.modules)"
    loaded = run(light_python, "-I", "-c", code, cwd=tmp_path).split()
    assert "httpx" in loaded
    assert not HEAVY & set(loaded)


def test_light_install_says_what_the_models_need(light_python, tmp_path):
    done = subprocess.run(
        [light_python, "-I", "-m", "vgate.models.tiny"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        "vgate.models.tiny: needs torch, safetensors, tokenizers: install an engine, vgate[cpu] or vgate[gpu]\n"
    )


def test_configuration_composes_from_an_installed_wheel(unpacked, tmp_path):
    env = {"PYTHONPATH": str(unpacked)}
    where = run(sys.executable, "-c", "from vgate.config import conf_dir; print(conf_dir())", cwd=tmp_path, **env)
    assert Path(where.strip()) == unpacked / "vgate" / "conf"
    assert "dry_run" in run(sys.executable, "-m", "vgate.serve", "--cfg", "job", "+preset=dry_run", cwd=tmp_path, **env)
