import hashlib
import os
from pathlib import Path

import pytest

from vgate.harness import inputs
from vgate.harness.cells import expand
from vgate.harness.inputs import hub_commits, input_digests

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


def model(folder: Path, **files: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def keyed(folder: Path, *words: str) -> str:
    (cell,) = expand(["engine=vllm", "model=other", f"model.model_id={folder}", *words], multirun=False)
    return cell.key


def test_a_model_folder_that_has_changed_is_another_cell(tmp_path: Path) -> None:
    folder = model(tmp_path / "m", config=b"{}", weights=b"1")
    before = keyed(folder)
    os.utime(folder / "weights", (1, 1))
    (folder / ".cache").mkdir()
    (folder / ".cache" / "lock").write_bytes(b"")
    assert keyed(folder) == before
    assert keyed(model(folder, weights=b"2")) != before
    assert keyed(model(folder, weights=b"1", vocab=b"")) != before


def test_of_large_weights_size_beginning_and_parts_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "WHOLE", 2**10)
    monkeypatch.setattr(inputs, "BLOCK", 16)
    content = bytes(range(256)) * 2**13
    variants = [content, content + b"x", b"x" + content[1:], content[:-1] + b"x"]
    assert len({keyed(model(tmp_path / "m", weights=variant)) for variant in variants}) == 4


def test_a_model_that_no_engine_reads_is_no_input(tmp_path: Path) -> None:
    folder = model(tmp_path / "m", config=b"{}")
    (cell,) = expand(["engine=dry_run", "model=other", f"model.model_id={folder}"], multirun=False)
    assert cell.inputs == {}


def test_a_model_that_is_not_there_is_left_to_its_server(tmp_path: Path) -> None:
    (cell,) = expand(["engine=vllm", "model=other", f"model.model_id={tmp_path / 'nowhere'}"], multirun=False)
    assert cell.inputs == {}
    assert hub_commits(cell.container) == {}


def test_other_files_that_vllm_is_told_of_count_too(tmp_path: Path) -> None:
    folder, template = model(tmp_path / "m", config=b"{}"), tmp_path / "chat.jinja"
    keys = []
    for text in ("a", "b"):
        template.write_text(text, encoding="utf-8")
        keys.append(keyed(folder, f"engine.extra_args.chat_template={template}"))
    assert keys[0] != keys[1]


def test_of_a_model_on_the_hub_the_cached_commit_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cell,) = expand(["engine=vllm", "model=other", "model.model_id=some/model"], multirun=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert hub_commits(cell.container) == {}
    kept = tmp_path / "models--some--model"
    (kept / "snapshots" / "c0ffee").mkdir(parents=True)
    (kept / "snapshots" / "c0ffee" / "config.json").write_text("{}", encoding="utf-8")
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("c0ffee", encoding="utf-8")
    assert hub_commits(cell.container) == {"some/model": "c0ffee"}
