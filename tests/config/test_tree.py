"""Every file under `conf/`: it composes, its keys are explained, and they are those that its class takes."""

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from vgate.config import compose, conf_dir, tree

SAMPLES = Path(__file__).resolve().parents[2] / "loadtests" / "samples"
FILES = sorted(conf_dir().rglob("*.yaml"))
SERVED = [group for group in tree.groups_of("serve") if group not in tree.OVERLAYS]
BENCH_ONLY = sorted(set(tree.groups()) - set(SERVED) - set(tree.OVERLAYS))
BUILT = [(g, o) for g in tree.groups() for o in tree.options(g) if "_target_" in tree.option_text(g, o)]
# What the program hands to a class beside the keys of its section.
WIRED = {
    "engine": {"model"},
    "engine=upstream": {"model", "routing"},
    "engine=ray": {"model", "routing", "ray", "replica"},
    "embedding=upstream": {"engine"},
    "batch": {"queue", "capacity"},
    "security": {"store", "observer"},
}
# Settings that have no good default.
NEEDED = {
    "admin=http": ["admin.token=0123456789-abcdef"],
    "security=keys": ["security.api_keys=[{key: sk-a, name: a}]"],
    "model=other": ["model.model_id=a/model"],
    "engine=upstream": ["engine.workers=['http://127.0.0.1:1']"],
    "load=trace": [f"load.path={SAMPLES / 'mooncake.jsonl'}"],
    "workload=jsonl": [f"workload.path={SAMPLES / 'sharegpt.json'}"],
    "workload=trace": [f"workload.path={SAMPLES / 'mooncake.jsonl'}"],
}
# Keys that those set.
FILLED = {"api_keys", "model_id", "path", "token", "workers"}

leaf = re.compile(r"^\s*[\w.]+:\s+[^#\s]")


def rows(groups: list[str]) -> list[list[str]]:
    """Choices of options, one of each group in a row, so that every option is in some row."""
    most = max(len(tree.options(group)) for group in groups)
    made = [[f"{g}={tree.options(g)[row % len(tree.options(g))]}" for g in groups] for row in range(most)]
    return [_serving(row) for row in made]


def _serving(row: list[str]) -> list[str]:
    """Not every embedding goes with every engine; what is left out here is tried beside another choice."""
    nothing = "embedding=none" if "engine=none" in row else ""
    nobody = "" if "engine=upstream" in row else "embedding=upstream"
    return ["embedding=dry_run" if choice in (nothing, nobody) else choice for choice in row]


def test_embeddings_by_workers_are_tried_too() -> None:
    choices = ["engine=upstream", "embedding=upstream"]
    check_says_what_its_files_say(composed("serve", choices), choices)


def test_none_of_both_engines_is_tried_too() -> None:
    assert composed("serve", ["engine=none", "embedding=dry_run"])["engine"] == {
        "_target_": "vgate.engine.none.NoEngine"
    }
    assert composed("serve", ["embedding=none"])["embedding"] == {"_target_": "vgate.embedding.none.NoEmbedding"}


def composed(program: str, choices: list[str]) -> dict[str, Any]:
    extra = [setting for choice in choices for setting in NEEDED.get(choice, [])]
    return compose(program, choices + extra, {}).container


def check_says_what_its_files_say(container: dict[str, Any], choices: list[str]) -> None:
    for choice in choices:
        group, _, option = choice.partition("=")
        content = {key: value for key, value in tree.option_text(group, option).items() if key not in FILLED}
        referring = {key for key, value in content.items() if str(value).startswith("${")}
        for key in content.keys() - referring:
            assert container[group][key] == content[key]
        assert container[group].keys() - content.keys() <= FILLED


@pytest.mark.parametrize("choices", rows(SERVED), ids="+".join)
def test_every_option_of_a_server_composes_to_what_its_file_says(choices: list[str]) -> None:
    check_says_what_its_files_say(composed("serve", choices), choices)


@pytest.mark.parametrize("choices", rows(BENCH_ONLY), ids="+".join)
def test_every_option_of_a_bench_composes_to_what_its_file_says(choices: list[str]) -> None:
    check_says_what_its_files_say(composed("bench", choices), choices)


@pytest.mark.parametrize("preset", tree.options("preset"))
def test_every_preset_composes_and_holds(preset: str) -> None:
    container = composed("serve", [f"+preset={preset}"])
    for group, section in tree.option_text("preset", preset).items():
        if group != "defaults":
            assert {key: container[group][key] for key in section} == section


@pytest.mark.parametrize("experiment", tree.options("experiment"))
def test_every_experiment_composes(experiment: str) -> None:
    assert composed("bench", [f"+experiment={experiment}"])["experiment"]["question"]


def test_the_defaults_are_those_of_the_defaults_list() -> None:
    container = compose("serve", [], {}).container
    assert container.keys() - {"version"} == set(SERVED)
    assert container["model"]["served_model_name"] == "tiny"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(conf_dir()).as_posix())
def test_every_file_says_what_it_is_for(path: Path) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line != "# @package _global_"]
    assert re.match(r"# \S.{15,}", lines[0])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(conf_dir()).as_posix())
def test_every_key_is_explained_on_its_line_or_above(path: Path) -> None:
    """Presets and experiments set keys that are explained where they are defined."""
    if path.parent.name in tree.OVERLAYS:
        return
    lines = path.read_text(encoding="utf-8").splitlines()
    unexplained = [
        line
        for above, line in zip(["", *lines], lines, strict=False)
        if leaf.match(line) and "#" not in line and not above.lstrip().startswith("#")
    ]
    assert not unexplained


@pytest.mark.parametrize(("group", "option"), BUILT)
def test_the_keys_of_an_option_are_the_arguments_of_its_class(group: str, option: str) -> None:
    content = tree.option_text(group, option)
    module, _, name = content["_target_"].rpartition(".")
    arguments = inspect.signature(getattr(importlib.import_module(module), name)).parameters
    wired = WIRED.get(f"{group}={option}", WIRED.get(group, set()))
    assert content.keys() - {"_target_"} == arguments.keys() - wired
    assert wired <= arguments.keys()
    assert all(argument.default is inspect.Parameter.empty for argument in arguments.values()), "defaults: in conf/"
