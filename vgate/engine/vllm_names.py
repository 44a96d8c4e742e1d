"""What the settings are called that vLLM gets its arguments from: for the lines that say which one is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# vLLM's argument -> its key here, where the names differ.
_KEYS = {"model": "model_id"}


@dataclass(frozen=True)
class Names:
    """The sections of an engine and of its model, and keys whose names differ from vLLM's arguments."""

    engine: str = "engine"
    model: str = "model"
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def extra_args(self) -> str:
        return f"{self.engine}.extra_args"

    def extra_arg(self, name: str) -> str:
        """An argument of vLLM's without a key of its own."""
        return f"{self.extra_args}.{name}"

    def key_of(self, argument: str) -> str:
        """The key that sets an argument of vLLM's."""
        if argument == "runner":
            return "the choice of engine=vllm or embedding=vllm"
        return f"{self.model}.{ {**_KEYS, **self.keys}.get(argument, argument) }"
