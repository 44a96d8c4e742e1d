"""Which kernel for quantized weights may be asked for here."""

import importlib.util
import json
import subprocess
import sys
from typing import Any

import pytest

from vgate.config import ConfigError
from vgate.engine.vllm_kernels import check_backend

KEY = "model.linear_backend"
# vLLM's own lists: its names are private, and importing them takes seconds and warns.
PROGRAM = """
import json
from vllm.model_executor.kernels import linear
from vllm.platforms import current_platform
from vllm.platforms.interface import PlatformEnum
from vgate.config import ConfigError
from vgate.engine.vllm_kernels import backends, check_backend
names = linear._LINEAR_BACKEND_KERNEL_MAP
cuda = [name for name in names if names[name] & set(linear._POSSIBLE_KERNELS[PlatformEnum.CUDA])]
told = ""
try:
    check_backend("model.linear_backend", "no_such", "awq")
except ConfigError as error:
    told = str(error)
print(json.dumps({"cpu": current_platform.is_cpu(), "here": backends(), "cuda": cuda, "told": told}))
"""


@pytest.fixture(scope="module")
def vllm() -> dict[str, Any]:
    """What vLLM offers on this machine, and on CUDA."""
    if importlib.util.find_spec("vllm") is None:
        pytest.skip("vLLM is not installed")
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("quantization", [None, "awq", "fp8"])
def test_the_choice_may_be_left_to_vllm(quantization: str | None) -> None:
    check_backend(KEY, "auto", quantization)


def test_weights_that_are_not_quantized_leave_no_choice() -> None:
    with pytest.raises(ConfigError, match=r"model\.linear_backend = 'marlin'.*not quantized.*allowed: auto$"):
        check_backend(KEY, "marlin", None)


def test_formats_with_kernels_of_their_own_are_left_to_vllm() -> None:
    check_backend(KEY, "cutlass", "fp8")


def test_a_kernel_that_is_not_here_is_refused(vllm: dict[str, Any]) -> None:
    """VLLM would take the one it has, with a line in its log. The build for the CPU has one kernel only."""
    allowed = ", ".join(["auto", *vllm["here"]])
    assert vllm["told"].endswith(f"vLLM has no such kernel for awq weights on this machine; allowed: {allowed}")
    assert not (vllm["cpu"] and vllm["here"])


def test_on_cuda_there_are_those_that_the_comment_in_conf_names(vllm: dict[str, Any]) -> None:
    assert {"marlin", "machete", "exllama", "conch", "triton"} <= set(vllm["cuda"])
