"""Environment variables on which a measurement may depend."""

from collections.abc import Mapping

import yaml

from vgate.config.secrets import is_secret, without_secrets

# vLLM, the libraries below it, and what they may use of the machine. V-Gate's own are in the configuration.
MEASURING = (
    "VLLM_", "CUDA_", "NCCL_", "TORCH", "PYTORCH_", "OMP_", "KMP_", "MKL_", "OPENBLAS_", "HIP_", "ROCR_", "MALLOC_",
    "LD_PRELOAD",
)  # fmt: skip
# Of these, what is said to others, and what vLLM writes into its log.
TELLING = ("VLLM_NO_USAGE_STATS", "VLLM_DO_NOT_TRACK", "VLLM_USAGE_SOURCE", "VLLM_LOGGING_", "VLLM_CONFIGURE_LOGGING")
KEPT = (*MEASURING, "VGATE_", "HF_HUB_OFFLINE", "HF_HOME")


def measuring(environ: Mapping[str, str]) -> dict[str, str]:
    """What belongs to what is measured: with another value it is another measurement."""
    return {name: value for name, value in kept(environ).items() if _is(name, MEASURING) and not _is(name, TELLING)}


def kept(environ: Mapping[str, str]) -> dict[str, str]:
    """What a run's manifest says of the environment, without what is secret."""
    return {name: _shown(name, environ[name]) for name in sorted(environ) if _is(name, KEPT) and not is_secret(name)}


def _is(name: str, beginnings: tuple[str, ...]) -> bool:
    return name.startswith(beginnings)


def _shown(name: str, text: str) -> str:
    try:
        value = yaml.safe_load(text)  # as V-Gate's own are read
    except yaml.YAMLError:
        value = text
    shown = without_secrets(value, name)
    return text if shown == value else str(shown)
