"""Chats of random words."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from vgate.load.draws import Draws
from vgate.workload.base import Question, Slot, Workload, user
from vgate.workload.lengths import Lengths, lengths
from vgate.workload.words import Words, words_for


@dataclass(frozen=True, kw_only=True)
class Synthetic(Workload):
    """Single questions of random words, drawn anew for each from its first word on.

    So questions share no prefix beyond the chat template: no cache makes this load lighter than it says.
    """

    prompt_tokens: int | Mapping[str, Any]
    output_tokens: int | Mapping[str, Any]
    tokenizer: str | None

    def question(self, seed: int, slot: Slot) -> Question:
        return self.ask(seed, slot.name)

    def ask(self, seed: int, name: str, before: str = "") -> Question:
        """The question called `name`: the same name, the same question. It begins with `before`."""
        prompt, output = self.sizes(seed, name)
        words = self.words.text(seed, f"prompt:{name}", prompt)
        return Question([user(f"{before} {words}" if before else words)], output)

    def sizes(self, seed: int, name: str) -> tuple[int, int]:
        """Words of the question called `name`, and its max_tokens."""
        draws = Draws(seed, f"lengths:{name}")
        return self._prompts.draw(draws), self._outputs.draw(draws)

    @cached_property
    def words(self) -> Words:
        """The words that all texts are made of."""
        return words_for(self.tokenizer)

    @cached_property
    def _prompts(self) -> Lengths:
        return lengths(self.prompt_tokens)

    @cached_property
    def _outputs(self) -> Lengths:
        return lengths(self.output_tokens)
