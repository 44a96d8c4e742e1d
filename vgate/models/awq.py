"""4-bit AWQ weights in the GEMM packing that AutoAWQ writes and vLLM reads.

A linear layer with weight ``[out, in]`` becomes three tensors, where g is the group size:

* ``qweight`` int32 ``[in, out / 8]``: eight 4-bit values in each word,
* ``qzeros``  int32 ``[in / g, out / 8]``: the zero points, packed alike,
* ``scales``  fp16  ``[in / g, out]``,

so that ``weight.T[i, o] ~ (q[i, o] - zero[i // g, o]) * scale[i // g, o]``.
"""

from __future__ import annotations

import torch
from torch import Tensor

BITS = 4
PER_WORD = 32 // BITS
#: Nibble k of a word (counted from the low end) holds column ORDER[k] of its eight columns.
ORDER = (0, 2, 4, 6, 1, 3, 5, 7)


def pack(values: Tensor) -> Tensor:
    """Packs integers 0..15 ``[rows, columns]`` into int32 ``[rows, columns / 8]``."""
    nibbles = values.to(torch.int64).unflatten(1, (-1, PER_WORD))[:, :, list(ORDER)]
    words: Tensor = (nibbles << torch.arange(0, 32, BITS)).sum(dim=-1)
    return words.to(torch.int32)  # keeps the low 32 bits, so the top nibble becomes the sign


def unpack(words: Tensor) -> Tensor:
    """The inverse of `pack`: int32 ``[rows, words]`` to integers ``[rows, words * 8]``."""
    nibbles: Tensor = (words.to(torch.int64).unsqueeze(-1) >> torch.arange(0, 32, BITS)) & (2**BITS - 1)
    original_order = [ORDER.index(column) for column in range(PER_WORD)]
    return nibbles[:, :, original_order].flatten(1)


def quantize(weight: Tensor, group_size: int) -> dict[str, Tensor]:
    """``qweight``, ``qzeros`` and ``scales`` of ``weight [out, in]``; `in` is a multiple of `group_size`.

    Every group keeps the range from its smallest to its largest value (both widened to include 0),
    so the error of a weight is at most half its group's scale.
    """
    groups = weight.float().T.unflatten(0, (-1, group_size))  # [groups, group_size, out]
    low = groups.amin(dim=1).clamp(max=0)
    high = groups.amax(dim=1).clamp(min=0)
    scales = ((high - low).clamp(min=1e-5) / (2**BITS - 1)).half()
    zeros = (-low / scales.float()).round().clamp(0, 2**BITS - 1)
    steps = groups / scales.float().unsqueeze(1) + zeros.unsqueeze(1)
    levels = steps.round().clamp(0, 2**BITS - 1).flatten(0, 1)
    return {"qweight": pack(levels), "qzeros": pack(zeros), "scales": scales}


def dequantize(tensors: dict[str, Tensor], group_size: int) -> Tensor:
    """The fp32 weight ``[out, in]`` that an engine computes with, from what `quantize` returns."""
    scales = tensors["scales"].float().repeat_interleave(group_size, dim=0)
    zeros = unpack(tensors["qzeros"]).repeat_interleave(group_size, dim=0)
    weight: Tensor = (unpack(tensors["qweight"]) - zeros) * scales
    return weight.T


def quantization_config(group_size: int) -> dict[str, object]:
    """The ``quantization_config`` of ``config.json``, as AutoAWQ writes it."""
    return {
        "quant_method": "awq",
        "bits": BITS,
        "group_size": group_size,
        "zero_point": True,
        "version": "gemm",
        "modules_to_not_convert": None,
    }
