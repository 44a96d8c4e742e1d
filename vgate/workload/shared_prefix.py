"""Prompts that begin alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from vgate.load.draws import Draws
from vgate.workload.base import Question, Slot
from vgate.workload.lengths import Lengths, lengths
from vgate.workload.synthetic import Synthetic


@dataclass(frozen=True, kw_only=True)
class SharedPrefix(Synthetic):
    """Each prompt begins with the prefix of one of `groups` groups, each as likely, and goes on with words of its own.

    What a prefix cache can live on: an instruction, a document or a few examples before every question.
    Prefix and question stand in one message of the user, which every chat template takes.
    """

    groups: int
    prefix_tokens: int | Mapping[str, Any]

    def question(self, seed: int, slot: Slot) -> Question:
        group = f"prefix{Draws(seed, f'group:{slot.name}').index(self.groups)}"
        size = self._prefixes.draw(Draws(seed, f"lengths:{group}"))
        return self.ask(seed, slot.name, before=self.words.text(seed, group, size))

    @cached_property
    def _prefixes(self) -> Lengths:
        return lengths(self.prefix_tokens)
