import pytest
import torch

from vgate.engine import vllm_cpu_awq
from vgate.models import awq


def as_vllm_lays_out(tensors):
    """The layout change that vLLM makes to AWQ weights before it calls the operation."""
    levels = awq.unpack(tensors["qweight"])  # [K, N]
    blocks = levels.unflatten(1, (-1, 16)).transpose(0, 1).flatten(1)  # [N / 16, K * 16]
    return pack_in_order(blocks), pack_in_order(awq.unpack(tensors["qzeros"]))


def pack_in_order(values):
    words = values.long().unflatten(1, (-1, 8)) << torch.arange(0, 32, 4)
    return words.sum(dim=-1).to(torch.int32)


@pytest.fixture
def tensors():
    weight = torch.randn(48, 128, generator=torch.Generator().manual_seed(1))
    return awq.quantize(weight, group_size=64)


@pytest.mark.parametrize("bias", [None, torch.linspace(-1, 1, 48)])
def test_product_equals_that_of_the_dequantized_weight(tensors, bias):
    packed, zeros = as_vllm_lays_out(tensors)
    x, output = torch.randn(5, 128), torch.empty(5, 48)
    vllm_cpu_awq.gemm_wna16(x, packed, output, tensors["scales"], zeros, bias, 8, "vec")
    expected = torch.nn.functional.linear(x, awq.dequantize(tensors, 64), bias)
    torch.testing.assert_close(output, expected)


def test_without_stored_zero_points_eight_is_zero(tensors):
    packed, zeros = as_vllm_lays_out(tensors)
    eights = torch.full_like(zeros, -0x77777778)
    assert torch.equal(
        vllm_cpu_awq.dequantize(packed, tensors["scales"], None),
        vllm_cpu_awq.dequantize(packed, tensors["scales"], eights),
    )


def test_after_registration_vllm_finds_the_operation_on_every_x86_processor():
    pytest.importorskip("vllm.platforms")
    vllm_cpu_awq.register()
    vllm_cpu_awq.register()
    assert hasattr(torch.ops._C, vllm_cpu_awq.OPERATION)
