"""The contract of a workload."""

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Slot:
    """Which request of a plan: the `number`-th arrival of an open loop, or the `number`-th of a closed loop's `user`.

    Users and numbers count from 0.
    """

    user: int | None
    number: int

    @property
    def name(self) -> str:
        """How the request is called in records: `arrival7`, `user3.7`."""
        return f"arrival{self.number}" if self.user is None else f"user{self.user}.{self.number}"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked in a request. messages: as in the OpenAI API. output_tokens: its max_tokens."""

    messages: list[dict[str, Any]]
    output_tokens: int


@dataclass(frozen=True, kw_only=True)
class Workload(ABC):
    """What every request says. Its bytes depend on the seed, the settings and the slot alone, never on an answer.

    So any request can be made at any time, in any order and by any process. The fields are the keys of the files
    under `conf/workload/`, where they are explained; those here are common to all.
    """

    stream: bool
    temperature: float
    ignore_eos: bool
    usage_per_chunk: bool

    @abstractmethod
    def question(self, seed: int, slot: Slot) -> Question:
        """What the request in `slot` asks."""

    def body(self, seed: int, slot: Slot, model: str) -> bytes:
        """The JSON body for /v1/chat/completions of the request in `slot`."""
        question = self.question(seed, slot)
        fields: dict[str, Any] = {
            "model": model,
            "messages": question.messages,
            "max_tokens": question.output_tokens,
            "temperature": self.temperature,
            "stream": self.stream,
        }
        if self.ignore_eos:
            fields["ignore_eos"] = True
        if self.stream:
            fields["stream_options"] = {"include_usage": True}
            if self.usage_per_chunk:
                fields["stream_options"]["continuous_usage_stats"] = True
        return json.dumps(fields, separators=(",", ":")).encode()


def user(content: str) -> dict[str, Any]:
    """A message of the user."""
    return {"role": "user", "content": content}
