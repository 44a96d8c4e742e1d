"""Lengths of a recorded trace."""

from dataclasses import dataclass
from functools import cached_property

from vgate.load.recorded import Recorded, read_trace
from vgate.workload.base import Question, Slot, Workload, user
from vgate.workload.lanes import lane_of, start_of
from vgate.workload.words import Words, words_for


@dataclass(frozen=True, kw_only=True)
class Trace(Workload):
    """Prompts of random words and answers, as long as those of a recorded trace, in its order.

    The n-th arrival is the trace's n-th request: with `load=trace` on the same file, its own. Users of a closed loop
    walk through the trace from different places. Where the trace runs out, it begins again. Blocks of the prompt that
    the trace says were equal (Mooncake's hash_ids) are equal text, and begin the prompt as they did.
    Formats: `vgate.load.recorded`; raises its WrongFile for others.
    """

    path: str
    start_s: float
    max_rows: int
    prompt_scale: float
    output_scale: float
    block_tokens: int
    tokenizer: str | None

    def question(self, seed: int, slot: Slot) -> Question:
        lane, number = lane_of(slot, lanes=1)
        row = self._rows[(start_of(lane, len(self._rows)) + number) % len(self._rows)]
        prompt = _scaled(row.prompt_tokens, self.prompt_scale)
        return Question([user(self._text(seed, slot, row, prompt))], _scaled(row.output_tokens, self.output_scale))

    def _text(self, seed: int, slot: Slot, row: Recorded, count: int) -> str:
        """`count` words: those of the row's blocks, of the last of them the beginning, and then words of its own."""
        size, parts, left = _scaled(self.block_tokens, self.prompt_scale), [], count
        for block in row.blocks:
            parts.append(self._words.text(seed, f"block{block}", min(size, left)))
            left -= min(size, left)
        parts.append(self._words.text(seed, f"prompt:{slot.name}", left))
        return " ".join(part for part in parts if part)

    @cached_property
    def _rows(self) -> tuple[Recorded, ...]:
        return read_trace(self.path, self.start_s, self.max_rows)

    @cached_property
    def _words(self) -> Words:
        return words_for(self.tokenizer)


def _scaled(tokens: int, scale: float) -> int:
    """At least 1: a server takes no empty prompt, and a recorded answer of nothing was a failure."""
    return max(1, round(tokens * scale))
