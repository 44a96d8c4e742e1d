"""The GPUs' own readings, by NVML. The only module that imports pynvml (nvidia-ml-py)."""

import os
from typing import Any

import pynvml


class Gpus:
    """The GPUs that the server can see: those of CUDA_VISIBLE_DEVICES if it is set, else all of this machine.

    Numbers there are taken for NVML's, which go by the PCI bus; CUDA's do too with CUDA_DEVICE_ORDER=PCI_BUS_ID.
    Everything that runs on these GPUs is in the readings, not the server alone. `nvml` is pynvml or the like of it.
    """

    def __init__(self, nvml: Any = pynvml) -> None:
        self._nvml = nvml
        self._handles: list[Any] = []
        try:
            nvml.nvmlInit()
            self._handles = _visible(nvml)
        except nvml.NVMLError:
            return  # no driver, no GPU, or none of that name

    def read(self) -> dict[str, Any]:
        """Memory in bytes, utilisation from 0 to 1, power in watts; what the GPUs do not tell, or all, is left out."""
        if not self._handles:
            return {}
        told = {
            "gpu_memory_bytes": self._each(lambda gpu: self._nvml.nvmlDeviceGetMemoryInfo(gpu).used),
            "gpu_utilisation": self._each(lambda gpu: self._nvml.nvmlDeviceGetUtilizationRates(gpu).gpu / 100),
            "gpu_power_w": self._each(lambda gpu: self._nvml.nvmlDeviceGetPowerUsage(gpu) / 1000),
        }
        sums = {name: sum(values) for name, values in told.items() if values is not None}
        if "gpu_utilisation" in sums:
            sums["gpu_utilisation"] /= len(self._handles)
        return sums

    def _each(self, ask: Any) -> list[Any] | None:
        """The answer of each; None where one has none."""
        try:
            return [ask(gpu) for gpu in self._handles]
        except self._nvml.NVMLError:
            return None


def _visible(nvml: Any) -> list[Any]:
    names = os.environ.get("CUDA_VISIBLE_DEVICES")
    if names is None:
        return [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    return [
        nvml.nvmlDeviceGetHandleByIndex(int(name)) if name.isdigit() else nvml.nvmlDeviceGetHandleByUUID(name)
        for name in wanted
    ]
