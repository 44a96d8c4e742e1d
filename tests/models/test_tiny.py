import hashlib
import json
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from vgate.models import awq, checkpoint, tiny
from vgate.models.tokenizer import train_tokenizer


def build(out, hash_seed="0", *arguments):
    return subprocess.run(
        [sys.executable, "-m", "vgate.models.tiny", "--out", str(out), *arguments],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )


def digests(folder):
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    out = tmp_path_factory.mktemp("models")
    assert build(out).returncode == 0
    return out


def test_another_process_builds_the_same_bytes(models, tmp_path):
    assert build(tmp_path, "4711").returncode == 0
    assert digests(tmp_path) == digests(models)


def test_both_models_are_whole_and_small(models):
    for name in tiny.MODELS:
        files = {path.name: path.stat() for path in (models / name).iterdir()}
        assert set(files) == {
            "config.json",
            "generation_config.json",
            "model.safetensors",
            "recipe.json",
            "tokenizer.json",
            "tokenizer_config.json",
        }
        assert sum(stat.st_size for stat in files.values()) < 3_000_000
        assert len({stat.st_mode for stat in files.values()}) == 1, "readable by the same people"
    assert not [path for path in models.iterdir() if path.name.startswith(".")]


def test_awq_model_is_the_bf16_model_in_four_bits(models):
    plain = load_file(models / "tiny" / "model.safetensors")
    packed = load_file(models / "tiny_awq" / "model.safetensors")
    linears = [name for name in plain if name.endswith("_proj.weight")]
    assert len(linears) == 2 * 7
    for name in linears:
        layer = name.removesuffix(".weight")
        tensors = {part: packed[f"{layer}.{part}"] for part in ("qweight", "qzeros", "scales")}
        step = tensors["scales"].float().max()
        weight = awq.dequantize(tensors, checkpoint.GROUP_SIZE)
        assert (weight - plain[name].float()).abs().max() <= 0.51 * step
    rest = set(plain) - set(linears)
    assert all(torch.equal(packed[name].float(), plain[name].float()) for name in rest)


def test_awq_config_is_as_autoawq_writes_it(models):
    config = json.loads((models / "tiny_awq" / "config.json").read_text())
    assert config["quantization_config"] == {
        "quant_method": "awq",
        "bits": 4,
        "group_size": 64,
        "zero_point": True,
        "version": "gemm",
        "modules_to_not_convert": None,
    }


def test_transformers_reads_the_tokenizer_as_it_was_trained(models):
    read = AutoTokenizer.from_pretrained(models / "tiny")
    trained = train_tokenizer()
    text = "<|im_start|>user\nÉlan: 12345  tests,\n\n\tit's <tool_call>{}</tool_call><|im_end|>\n"
    assert read.encode(text) == trained.encode(text).ids
    assert (read.eos_token, read.pad_token) == ("<|im_end|>", "<|endoftext|>")


def test_a_current_model_is_left_alone_and_a_stale_one_replaced(models, tmp_path):
    target = tmp_path / "tiny"
    assert tiny.ensure("tiny", tmp_path)
    before = target.stat().st_ino
    assert not tiny.ensure("tiny", tmp_path)
    assert target.stat().st_ino == before

    (target / tiny.RECIPE_FILE).write_text('{"recipe": "of another version"}')
    (target / "left-over.bin").write_text("x")
    assert tiny.ensure("tiny", tmp_path)
    assert digests(target) == digests(models / "tiny")


def test_force_builds_a_current_model_again(tmp_path):
    assert tiny.ensure("tiny", tmp_path)
    before = (tmp_path / "tiny").stat().st_ino
    assert tiny.ensure("tiny", tmp_path, force=True)
    assert (tmp_path / "tiny").stat().st_ino != before


def test_a_failed_build_leaves_the_old_model_and_no_scraps(tmp_path, monkeypatch):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "mine.txt").write_text("kept")

    def fail(folder):
        (folder / "half.bin").write_text("x")
        raise OSError("no space left")

    monkeypatch.setattr(checkpoint, "write_bf16", fail)
    with pytest.raises(OSError, match="no space left"):
        tiny.ensure("tiny", tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["tiny", "mine.txt"]


def test_without_torch_it_ends_with_one_line_that_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(tiny, "NEEDED", ("torch", "no_such_module"))
    assert tiny.main([]) == 2
    assert capsys.readouterr().err == (
        "vgate.models.tiny: needs no_such_module: install an engine, vgate[cpu] or vgate[gpu]\n"
    )


def test_an_unwritable_folder_is_named_in_one_line(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    done = build(blocked)
    assert done.returncode == 2
    assert str(blocked) in done.stderr
    assert done.stderr.count("\n") == 1
