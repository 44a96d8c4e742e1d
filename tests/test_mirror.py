"""The tree of the configuration, of the code and of the tests is one tree."""

import ast
import importlib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "vgate").rglob("*.py"))

# Groups that choose values, not code, and why.
DATA_ONLY = {
    "experiment": "a named question: a sweep over settings of other groups",
    "logging": "values; the logs are set up by one function",
    "model": "what an engine is told to load",
    "ray": "where replicas run and how many",
    "preset": "choices of other groups' options",
    "server": "where to listen and what to accept",
    "slo": "the latency targets that answers are held against",
}
GROUPS = sorted(path.name for path in (ROOT / "conf").iterdir() if path.is_dir())
OPTIONS = [
    (group, path.stem)
    for group in GROUPS
    if group not in DATA_ONLY
    for path in sorted((ROOT / "conf" / group).glob("*.yaml"))
]
# Each of these is imported in the one package that needs it.
CONFINED = {
    "vllm": ["vgate/engine"],
    "prometheus_client": ["vgate/observe/prometheus/"],
    "pandas": ["vgate/harness"],
    "matplotlib": ["vgate/harness"],
    "scipy": ["vgate/harness"],
    "locust": ["vgate/harness"],
    "optuna": ["vgate/harness/search/study.py"],
    "ray": ["vgate/engine/ray_"],
    "pynvml": ["vgate/harness/gpu.py"],
    "redis": ["vgate/cache/redis.py", "vgate/limits/shared.py"],
    "opentelemetry": ["vgate/tracing/"],
    "tokenizers": ["vgate/models", "vgate/workload/tokenizer.py"],
}


def test_groups_are_those_documented() -> None:
    wanted = {
        "engine",
        "routing",
        "ray",
        "embedding",
        "model",
        "queue",
        "batch",
        "cache",
        "dedup",
        "security",
        "admin",
        "limits",
        "logging",
        "tracing",
        "server",
        "load",
        "workload",
        "slo",
        "preset",
    }
    assert wanted | {"experiment"} == set(GROUPS)


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_option_is_a_file_of_code_and_of_tests(group: str, option: str) -> None:
    content = yaml.safe_load((ROOT / "conf" / group / f"{option}.yaml").read_text(encoding="utf-8"))
    module, _, name = content["_target_"].rpartition(".")
    assert module == f"vgate.{group}.{option}"
    assert (ROOT / "vgate" / group / f"{option}.py").is_file()
    assert (ROOT / "tests" / group / f"test_{option}.py").is_file()
    assert isinstance(getattr(importlib.import_module(module), name), type)


@pytest.mark.parametrize("group", sorted(DATA_ONLY))
def test_data_has_no_code(group: str) -> None:
    assert not (ROOT / "vgate" / group).exists()
    for path in (ROOT / "conf" / group).glob("*.yaml"):
        assert "_target_" not in path.read_text(encoding="utf-8")


def imports(path: Path) -> set[str]:
    """The top-level packages that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("library", sorted(CONFINED))
def test_library_is_imported_in_one_place(library: str) -> None:
    users = {path.relative_to(ROOT).as_posix() for path in SOURCES if library in imports(path)}
    assert users == {user for user in users if user.startswith(tuple(CONFINED[library]))}


def test_one_file_instantiates() -> None:
    """`hydra.utils.instantiate` is called in build.py and nowhere else."""
    users = [path.name for path in SOURCES if "import instantiate" in path.read_text(encoding="utf-8")]
    assert users == ["build.py"]


def test_S3_no_base_http_middleware() -> None:
    for path in SOURCES:
        assert "BaseHTTPMiddleware" not in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_stay_short(path: Path) -> None:
    """Past 250 lines of a file or 40 of a function, a component is missing."""
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 250
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 40, node.name
