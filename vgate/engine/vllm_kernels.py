"""Which of vLLM's kernels multiplies by quantized weights. Imports vLLM."""

from vgate.config.errors import wrong

# Formats whose weights have 4 bits and whose kernel vLLM chooses from one list.
_FOUR_BIT = frozenset({"awq", "auto_awq", "awq_marlin", "gptq", "auto_gptq", "gptq_marlin"})


def check_backend(key: str, backend: str, quantization: str | None) -> None:
    """Raise ConfigError for a backend that this machine has no kernel of.

    vLLM would take another one and say so in its log only, and two cells of a sweep would measure the same kernel.
    """
    if backend == "auto" or (quantization is not None and quantization not in _FOUR_BIT):
        return
    if quantization is None:
        raise wrong(key, backend, "the model", "its weights are not quantized, so there is no choice; allowed: auto")
    allowed = ["auto", *backends()]
    if backend not in allowed:
        why = f"vLLM has no such kernel for {quantization} weights on this machine; allowed: {', '.join(allowed)}"
        raise wrong(key, backend, "the model", why)


def backends() -> list[str]:
    """The backends that can be asked for here for weights of 4 bits; whether the card is new enough, vLLM says."""
    from vllm.model_executor.kernels.linear import _LINEAR_BACKEND_KERNEL_MAP, _POSSIBLE_KERNELS
    from vllm.platforms import current_platform

    here = set(_POSSIBLE_KERNELS.get(current_platform._enum, []))  # noqa: SLF001 -- has no public name
    return sorted(name for name, kernels in _LINEAR_BACKEND_KERNEL_MAP.items() if here & kernels)
