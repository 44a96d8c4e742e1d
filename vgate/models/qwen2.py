"""A Qwen2 of two layers: its configuration and its seeded random weights.

The weights are drawn as integers and scaled by powers of two, so they are exact in bf16 and the
same on every processor. Their scales are chosen for the use of the model, which is to be
served, not to be understood: greedy text keeps varying, is almost always valid UTF-8, and does not
end by itself, so `max_tokens` decides its length.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Shape:
    """Sizes of the model. The head size is one that vLLM's CPU attention has a kernel for."""

    vocab: int
    hidden: int = 128
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    feed_forward: int = 256
    context: int = 4096

    @property
    def head_size(self) -> int:
        return self.hidden // self.heads


def config(shape: Shape, eos: int, pad: int, dtype: str) -> dict[str, object]:
    """What ``config.json`` holds."""
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "torch_dtype": dtype,
        "vocab_size": shape.vocab,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.feed_forward,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "max_position_embeddings": shape.context,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "attention_dropout": 0.0,
        "use_sliding_window": False,
        "eos_token_id": eos,
        "pad_token_id": pad,
    }


class _Draw:
    """Draws uniform bf16 tensors from one seeded stream."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def __call__(self, *size: int, limit: float) -> Tensor:
        """Values in [-limit, limit]; `limit` is a power of two."""
        integers = torch.randint(-127, 128, size, generator=self._generator)
        return (integers.float() * (limit / 128)).to(torch.bfloat16)


def weights(shape: Shape, seed: int, quiet_ids: list[int]) -> dict[str, Tensor]:
    """The tensors of the checkpoint in bf16; tokens in `quiet_ids` are hardly ever generated."""
    draw = _Draw(seed)
    embedding = draw(shape.vocab, shape.hidden, limit=1.0)
    embedding[quiet_ids] /= 64  # the output layer is tied: a short row never wins the argmax
    tensors = {
        "model.embed_tokens.weight": embedding,
        "model.norm.weight": torch.full((shape.hidden,), 0.5, dtype=torch.bfloat16),
    }
    for layer in range(shape.layers):
        for name, tensor in _layer(shape, draw).items():
            tensors[f"model.layers.{layer}.{name}"] = tensor
    return tensors


def _layer(shape: Shape, draw: _Draw) -> dict[str, Tensor]:
    """One decoder layer.

    Large query and key weights make attention pick single positions instead of averaging; large
    output weights let the layers outvote the token's own embedding, which would repeat it for ever.
    """
    hidden, wide, kv = shape.hidden, shape.feed_forward, shape.kv_heads * shape.head_size
    return {
        "self_attn.q_proj.weight": draw(hidden, hidden, limit=0.25),
        "self_attn.q_proj.bias": draw(hidden, limit=0.5),
        "self_attn.k_proj.weight": draw(kv, hidden, limit=0.25),
        "self_attn.k_proj.bias": draw(kv, limit=0.5),
        "self_attn.v_proj.weight": draw(kv, hidden, limit=0.25),
        "self_attn.v_proj.bias": draw(kv, limit=0.5),
        "self_attn.o_proj.weight": draw(hidden, hidden, limit=0.5),
        "mlp.gate_proj.weight": draw(wide, hidden, limit=0.25),
        "mlp.up_proj.weight": draw(wide, hidden, limit=0.25),
        "mlp.down_proj.weight": draw(hidden, wide, limit=0.25),
        "input_layernorm.weight": torch.ones(hidden, dtype=torch.bfloat16),
        "post_attention_layernorm.weight": torch.ones(hidden, dtype=torch.bfloat16),
    }
