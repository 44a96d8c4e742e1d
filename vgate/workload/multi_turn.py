"""Conversations."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from vgate.load.draws import Draws
from vgate.workload.base import Question, Slot
from vgate.workload.lanes import lane_of
from vgate.workload.lengths import Lengths, lengths
from vgate.workload.synthetic import Synthetic


@dataclass(frozen=True, kw_only=True)
class MultiTurn(Synthetic):
    """Each request repeats its conversation so far and adds a question; a user ends one before it begins the next.

    The assistant's earlier answers are scripted: random words, as many as their max_tokens, not what the server said.
    So the bytes never depend on the server, and in an open loop a turn does not wait for the answer before it. A prefix
    cache finds the history up to the last question but one, and not the answer after it, as it would the server's own.
    """

    turns: int | Mapping[str, Any]
    conversations: int

    def question(self, seed: int, slot: Slot) -> Question:
        lane, number = lane_of(slot, self.conversations)
        conversation, turn = self._place(seed, lane, number)
        name = f"lane{lane}.{conversation}"
        history = [message for earlier in range(turn) for message in self._exchange(seed, f"{name}.{earlier}")]
        asked = self.ask(seed, f"{name}.{turn}")
        return Question(history + asked.messages, asked.output_tokens)

    def _exchange(self, seed: int, name: str) -> list[dict[str, Any]]:
        """A question and its scripted answer."""
        asked = self.ask(seed, name)
        answer = self.words.text(seed, f"answer:{name}", asked.output_tokens)
        return [*asked.messages, {"role": "assistant", "content": answer}]

    def _place(self, seed: int, lane: int, number: int) -> tuple[int, int]:
        """The conversation of the lane's `number`-th request, and the turn in it."""
        ends = self._ends.setdefault((seed, lane), [])
        while not ends or ends[-1] <= number:
            turns = self._turns.draw(Draws(seed, f"turns:lane{lane}.{len(ends)}"))
            ends.append((ends[-1] if ends else 0) + turns)
        conversation = bisect_right(ends, number)
        return conversation, number - (ends[conversation - 1] if conversation else 0)

    @cached_property
    def _turns(self) -> Lengths:
        return lengths(self.turns)

    @cached_property
    def _ends(self) -> dict[tuple[int, int], list[int]]:
        """For a seed and lane, how many requests there are to the end of each conversation: kept, not decided, here."""
        return {}
