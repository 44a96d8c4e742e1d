"""YAML that a user wrote: what would be lost or take for ever is refused, with its place."""

from pathlib import Path

import pytest
import yaml

from tests.config.composing import serve, written, wrong
from vgate.config.reading import DEEPEST, MOST_NODES, read_yaml

LINES = "x: &x0 [1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"y{n}: &x{n + 1} [{', '.join([f'*x{n}'] * 8)}]\n" for n in range(8)
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("batch: {max_batch_size: 1}\ncache: none\nbatch: lockstep\n", "found a key for the second time in line 3"),
        ("batch: {max_batch_size: 1, max_batch_size: 2}", "found a key for the second time in line 1, column 28"),
        (LINES, f"found more than {MOST_NODES} values, those that aliases stand for included in line 1"),
        ("batch: &a {b: *a}", f"found more than {DEEPEST} levels in line 1, column 8"),
        ("a: " + "[" * 5000 + "]" * 5000, "nested too deeply"),
    ],
)
def test_what_cannot_be_taken_as_it_stands_is_told_with_its_place(tmp_path: Path, text: str, why: str) -> None:
    environ = written(tmp_path, text)
    line = wrong(**environ)
    assert line.startswith(
        f"VGATE_CONFIG_PATH = '{environ['VGATE_CONFIG_PATH']}' (from environment): is not YAML: {why}"
    )


@pytest.mark.parametrize(
    "text",
    ["", "# nothing\n", "a: {b: [1, .5, x, null, true]}\n", "a: &a {b: 1, c: 2}\nd: {<<: *a, c: 3}\ne: [*a, *a]\n"],
)
def test_all_else_is_read_as_ever(text: str) -> None:
    assert read_yaml(text) == yaml.safe_load(text)


@pytest.mark.parametrize("key", ["", "a b", "batch[0]", "batch.", "batch.max["])
def test_what_can_be_no_key_is_told_with_its_place(tmp_path: Path, key: str) -> None:
    environ = written(tmp_path, f"'{key}': 2")
    place = environ["VGATE_CONFIG_PATH"]
    assert wrong(**environ) == f"{key} = 2 (from {place}): is no key: names with dots between them"


def test_names_of_headers_are_not_ours_and_may_have_dots(tmp_path: Path) -> None:
    environ = written(tmp_path, "tracing: {headers: {x.team-key: a, x-b: c}}")
    assert serve("tracing=otlp", **environ).container["tracing"]["headers"] == {"x.team-key": "a", "x-b": "c"}
