import hashlib
from pathlib import Path

from vgate.harness.cells import expand
from vgate.harness.inputs import input_digests

FAST = ["engine=dry_run", "workload=jsonl"]


def prompts(path: Path, *said: str) -> None:
    path.write_text("".join(f'{{"prompt": "{what}", "max_tokens": 4}}\n' for what in said), encoding="utf-8")


def test_a_configuration_without_files_has_no_inputs() -> None:
    (cell,) = expand(["engine=dry_run"], multirun=False)
    assert input_digests(cell.container) == {}


def test_each_file_that_is_named_has_its_digest(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10,1,1\n2024-05-11,1,1\n", encoding="utf-8")
    (cell,) = expand(["engine=dry_run", "load=trace", "workload=trace", f"load.path={path}"], multirun=False)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert input_digests(cell.container) == {"load.path": digest, "workload.path": digest}


def test_another_content_of_the_same_file_is_another_cell(tmp_path: Path) -> None:
    """What was measured with the file as it was must not pass for a measurement with what it is now."""
    path = tmp_path / "prompts.jsonl"
    keys = []
    for said in (("a", "b"), ("a", "b"), ("a", "c")):
        prompts(path, *said)
        (cell,) = expand([*FAST, f"workload.path={path}"], multirun=False)
        keys.append((cell.key, cell.effective_hash))
    assert keys[0] == keys[1]
    assert keys[0][0] != keys[2][0]
    assert keys[0][1] != keys[2][1]
