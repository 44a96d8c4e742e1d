"""The package `vgate-client`: the client alone, built from the gateway's own files, and beside the gateway."""

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "clients" / "python"
ASK = """
import sys, httpx, vgate
assert isinstance(vgate.Chat, vgate.client.ChatResource)
chat = {"choices": [{"message": {"content": "Hi"}}]}
with vgate.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=chat))) as client:
    print(client.chat.create(model="m", messages=[]).text, vgate.__version__, vgate.__file__)
"""


def run(*command: object, cwd: Path | None = None) -> str:
    index = {"UV_DEFAULT_INDEX": os.environ["PIP_INDEX_URL"]} if "PIP_INDEX_URL" in os.environ else {}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=os.environ | index, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(source: Path, folder: Path, *kinds: str) -> None:
    targets = [word for kind in kinds for word in ("-t", kind)]
    run(sys.executable, "-m", "hatchling", "build", *targets, "-d", folder, cwd=source)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build(CLIENT, folder, "wheel", "sdist")
    return folder


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A Python without any package."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    return tmp_path / "venv" / "bin" / "python"


def uv(command: str, python: Path, *what: object) -> None:
    run(sys.executable, "-m", "uv", "pip", command, "--quiet", "--python", python, *what)


def install(python: Path, *what: object) -> None:
    pins = ROOT / "constraints.txt"
    uv("install", python, "--constraint", pins, "--build-constraint", pins, *what)


def told(python: Path, code: str = ASK) -> list[str]:
    return run(python, "-I", "-c", code, cwd=python.parent).split()


def project(folder: Path) -> dict[str, object]:
    fields: dict[str, object] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return fields


@pytest.mark.parametrize("field", ["version", "license", "requires-python", "dependencies"])
def test_it_is_of_one_piece_with_the_gateway(field: str) -> None:
    assert project(CLIENT)[field] == project(ROOT)[field]
    assert (CLIENT / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_O10_the_wheel_holds_the_gateways_own_files_and_nothing_else(dist: Path) -> None:
    ours = [path for path in (ROOT / "vgate" / "client").rglob("*") if path.is_file() and path.suffix == ".py"]
    ours += [ROOT / "vgate" / "__init__.py", ROOT / "vgate" / "py.typed"]
    wanted = {f"vgate_client/{path.relative_to(ROOT)}": path.read_bytes() for path in ours}
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        shipped = {name: wheel.read(name) for name in wheel.namelist() if ".dist-info/" not in name}
    assert shipped == wanted | {"vgate-client.pth": b"vgate_client\n"}


def test_O10_the_wheel_made_of_the_sdist_is_the_same_wheel(dist: Path, tmp_path: Path) -> None:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as sdist:
        sdist.extractall(tmp_path, filter="data")
    build(next(tmp_path.iterdir()), tmp_path / "again", "wheel")
    again, first = next((tmp_path / "again").glob("*.whl")), next(dist.glob("*.whl"))
    assert (again.name, again.read_bytes()) == (first.name, first.read_bytes())


@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_it_works_alone(dist: Path, python: Path, kind: str) -> None:
    install(python, next(dist.glob(kind)))
    text, version, where = told(python)
    assert (text, version) == ("Hi", project(CLIENT)["version"])
    assert Path(where).parts[-3:] == ("vgate_client", "vgate", "__init__.py")


def test_it_is_typed_for_those_who_install_it(dist: Path, python: Path, tmp_path: Path) -> None:
    install(python, next(dist.glob("*.whl")))
    program = tmp_path / "program.py"
    program.write_text(Path(__file__).with_name("typed_example.py").read_text(encoding="utf-8"), encoding="utf-8")
    mypy = (sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "--cache-dir", tmp_path / "cache")
    assert "Success" in run(*mypy, program, cwd=tmp_path)


def test_it_and_the_gateway_neither_hide_nor_break_each_other(dist: Path, python: Path, tmp_path: Path) -> None:
    build(ROOT, tmp_path, "wheel")
    client, gateway = next(dist.glob("*.whl")), next(tmp_path.glob("*.whl"))
    install(python, client, gateway)
    assert Path(told(python)[2]).parts[-2:] == ("vgate", "__init__.py")
    assert "vgate_client" not in told(python)[2]
    assert told(python, "import vgate.types; print(vgate.types.__name__)") == ["vgate.types"]
    uv("uninstall", python, "vgate-client")
    assert told(python)[0] == "Hi"
    install(python, client)
    uv("uninstall", python, "vgate")
    assert "vgate_client" in told(python)[2]


def test_a_clone_goes_before_an_installed_client(dist: Path, python: Path) -> None:
    install(python, next(dist.glob("*.whl")), "--editable", ROOT)
    assert told(python)[2] == str(ROOT / "vgate" / "__init__.py")


def test_the_clients_own_editable_form_is_the_clone(python: Path) -> None:
    install(python, "--editable", CLIENT)
    assert told(python)[2] == str(ROOT / "vgate" / "__init__.py")


def test_the_folder_of_a_target_works_by_the_path_that_the_readme_names(dist: Path, tmp_path: Path) -> None:
    install(Path(sys.executable), "--no-deps", "--target", tmp_path / "there", next(dist.glob("*.whl")))
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'there' / 'vgate_client')!r})" + ASK
    assert "there" in told(Path(sys.executable), code)[2]
