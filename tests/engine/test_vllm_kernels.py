"""Which kernel for quantized weights may be asked for here."""

import pytest

from vgate.config import ConfigError
from vgate.engine.vllm_kernels import backends, check_backend

KEY = "model.linear_backend"


@pytest.mark.parametrize("quantization", [None, "awq", "fp8"])
def test_the_choice_may_be_left_to_vllm(quantization: str | None) -> None:
    check_backend(KEY, "auto", quantization)


def test_weights_that_are_not_quantized_leave_no_choice() -> None:
    with pytest.raises(ConfigError, match=r"model\.linear_backend = 'marlin'.*not quantized.*allowed: auto$"):
        check_backend(KEY, "marlin", None)


def test_a_kernel_that_is_not_here_is_refused() -> None:
    """VLLM would take the one it has, with a line in its log."""
    pytest.importorskip("vllm.platforms")
    from vllm.platforms import current_platform

    if not current_platform.is_cpu():
        pytest.skip("the build for the CPU has one kernel only")
    assert backends() == []
    with pytest.raises(ConfigError, match=r"no such kernel for awq weights on this machine; allowed: auto$"):
        check_backend(KEY, "marlin", "awq")


def test_vllms_lists_are_where_they_are_looked_for() -> None:
    """Private names of vLLM's: what `backends` gives on CUDA is read from these."""
    linear = pytest.importorskip("vllm.model_executor.kernels.linear")
    from vllm.platforms.interface import PlatformEnum

    here = set(linear._POSSIBLE_KERNELS[PlatformEnum.CUDA])
    names = {name for name, kernels in linear._LINEAR_BACKEND_KERNEL_MAP.items() if here & kernels}
    assert names >= {"marlin", "machete", "exllama", "conch", "triton"}


def test_formats_with_kernels_of_their_own_are_left_to_vllm() -> None:
    check_backend(KEY, "cutlass", "fp8")
