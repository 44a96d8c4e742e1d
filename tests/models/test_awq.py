import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vgate.models import awq


def test_packing_puts_columns_into_nibbles_in_the_awq_order():
    word = awq.pack(torch.arange(8).unsqueeze(0))
    nibbles = [(int(word[0, 0]) >> shift) & 15 for shift in range(0, 32, 4)]
    assert nibbles == [0, 2, 4, 6, 1, 3, 5, 7]
    assert word.dtype == torch.int32


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 2**32))
def test_unpacking_gives_back_every_value(rows, words, seed):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randint(0, 16, (rows, words * 8), generator=generator)
    assert torch.equal(awq.unpack(awq.pack(values)), values)


def test_shapes_and_types_are_those_of_an_awq_checkpoint():
    tensors = awq.quantize(torch.randn(32, 128), group_size=64)
    assert {name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in tensors.items()} == {
        "qweight": (torch.int32, (128, 4)),
        "qzeros": (torch.int32, (2, 4)),
        "scales": (torch.float16, (2, 32)),
    }


@pytest.mark.parametrize("shift", [-3.0, -0.2, 0.0, 0.7, 3.0])
def test_error_of_a_weight_is_at_most_half_a_step(shift):
    weight = torch.randn(64, 256, generator=torch.Generator().manual_seed(1)) + shift
    tensors = awq.quantize(weight, group_size=64)
    half_step = tensors["scales"].float().repeat_interleave(64, dim=0).T / 2
    error = (awq.dequantize(tensors, group_size=64) - weight).abs()
    # 15 steps of an fp16 scale can fall short of the range by 15 * 2**-11 of a step
    assert bool((error <= half_step * 1.02).all())


def test_weights_that_are_whole_steps_survive_exactly():
    levels = torch.arange(64).remainder(16) - 5
    weight = (levels * 0.25).repeat(16, 1)
    tensors = awq.quantize(weight, group_size=64)
    assert torch.equal(awq.dequantize(tensors, group_size=64), weight)


def test_a_group_of_zeros_stays_zero():
    tensors = awq.quantize(torch.zeros(8, 64), group_size=64)
    assert not awq.dequantize(tensors, group_size=64).any()
