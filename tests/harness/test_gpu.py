"""GPU readings. What NVML says is scripted here; there is no GPU where these tests must pass."""

from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from vgate.harness.gpu import Gpus


class NvmlError(Exception):
    pass


class Nvml:
    """Two GPUs named 0 and 1, or GPU-a and GPU-b; one of them may not tell its power."""

    NVMLError = NvmlError

    def __init__(self, power: tuple[int | None, int | None] = (100_000, 50_500)) -> None:
        self._power = power

    def nvmlInit(self) -> None:
        return

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        if index > 1:
            raise NvmlError
        return index

    def nvmlDeviceGetHandleByUUID(self, name: str) -> int:
        return ["GPU-a", "GPU-b"].index(name)

    def nvmlDeviceGetMemoryInfo(self, gpu: int) -> Any:
        return SimpleNamespace(used=1000 * (gpu + 1))

    def nvmlDeviceGetUtilizationRates(self, gpu: int) -> Any:
        return SimpleNamespace(gpu=(90, 40)[gpu])

    def nvmlDeviceGetPowerUsage(self, gpu: int) -> int:
        power = self._power[gpu]
        if power is None:
            raise NvmlError
        return power


@pytest.fixture(autouse=True)
def no_choice(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return monkeypatch


def test_all_gpus_together() -> None:
    assert Gpus(Nvml()).read() == {"gpu_memory_bytes": 3000, "gpu_utilisation": 0.65, "gpu_power_w": 150.5}


@pytest.mark.parametrize("name", ["1", "GPU-b", " 1 "])
def test_only_those_that_the_server_can_see(no_choice: pytest.MonkeyPatch, name: str) -> None:
    no_choice.setenv("CUDA_VISIBLE_DEVICES", name)
    assert Gpus(Nvml()).read() == {"gpu_memory_bytes": 2000, "gpu_utilisation": 0.4, "gpu_power_w": 50.5}


@pytest.mark.parametrize("name", ["", "7"])
def test_none_that_it_can_see(no_choice: pytest.MonkeyPatch, name: str) -> None:
    no_choice.setenv("CUDA_VISIBLE_DEVICES", name)
    assert Gpus(Nvml()).read() == {}


def test_power_that_one_does_not_tell_is_absent_not_less() -> None:
    assert Gpus(Nvml(power=(100_000, None))).read() == {"gpu_memory_bytes": 3000, "gpu_utilisation": 0.65}


def test_the_real_library_finds_this_machines_gpus_or_none() -> None:
    try:
        pynvml.nvmlInit()
        there = pynvml.nvmlDeviceGetCount() > 0
    except pynvml.NVMLError:
        there = False
    assert ("gpu_memory_bytes" in Gpus().read()) == there
