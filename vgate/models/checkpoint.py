"""Writes the tiny models as checkpoints in the Hugging Face layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors.torch import save

from vgate.models import awq, qwen2
from vgate.models.tokenizer import PAD, TURN_END, token_id, tokenizer_config, train_tokenizer, unprintable_ids

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

SEED = 20240315
GROUP_SIZE = 64


def write_bf16(folder: Path) -> None:
    """Writes the bf16 model into the existing `folder`."""
    tokenizer, shape, tensors = _parts()
    _write(folder, tokenizer, shape, _config(tokenizer, shape, "bfloat16"), tensors)


def write_awq(folder: Path) -> None:
    """Writes the 4-bit AWQ model into the existing `folder`, made from the same bf16 weights."""
    tokenizer, shape, tensors = _parts()
    config = _config(tokenizer, shape, "float16")
    config["quantization_config"] = awq.quantization_config(GROUP_SIZE)
    _write(folder, tokenizer, shape, config, quantize_linears(tensors))


def quantize_linears(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The checkpoint with each linear layer of the blocks in AWQ form and everything else in fp16."""
    result: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name.endswith("_proj.weight"):
            layer = name.removesuffix(".weight")
            parts = awq.quantize(tensor, GROUP_SIZE)
            result |= {f"{layer}.{part}": value for part, value in parts.items()}
        else:
            result[name] = tensor.half()
    return result


def _parts() -> tuple[Tokenizer, qwen2.Shape, dict[str, Tensor]]:
    tokenizer = train_tokenizer()
    shape = qwen2.Shape(vocab=tokenizer.get_vocab_size())
    return tokenizer, shape, qwen2.weights(shape, SEED, unprintable_ids(tokenizer))


def _config(tokenizer: Tokenizer, shape: qwen2.Shape, dtype: str) -> dict[str, object]:
    return qwen2.config(shape, token_id(tokenizer, TURN_END), token_id(tokenizer, PAD), dtype)


def _write(
    folder: Path,
    tokenizer: Tokenizer,
    shape: qwen2.Shape,
    config: dict[str, object],
    tensors: dict[str, Tensor],
) -> None:
    eos, pad = config["eos_token_id"], config["pad_token_id"]
    write_json(folder / "config.json", config)
    write_json(folder / "generation_config.json", {"eos_token_id": [eos, pad], "pad_token_id": pad})
    write_json(folder / "tokenizer_config.json", tokenizer_config(shape.context))
    tokenizer.save(str(folder / "tokenizer.json"))
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    # not save_file, which makes the file unreadable for other users
    (folder / "model.safetensors").write_bytes(save(contiguous, metadata={"format": "pt"}))


def write_json(path: Path, value: object) -> None:
    """Writes `value` as indented UTF-8 JSON with a final newline."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
