"""Chats from a file."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, Literal

from vgate.load.draws import Draws
from vgate.load.recorded import WrongFile
from vgate.workload.base import Question, Slot, Workload
from vgate.workload.chats import Turn, read_chats
from vgate.workload.lanes import lane_of, start_of
from vgate.workload.lengths import lengths

CHARACTERS_PER_TOKEN = 4  # of English, where no tokenizer counts


@dataclass(frozen=True, kw_only=True)
class Jsonl(Workload):
    """The questions of a file: `vgate.workload.chats` says which files. Raises WrongFile for others.

    Of a chat with several turns, those that `turns` names; earlier answers are the file's, not the server's. Arrivals
    and users walk through the file, each user from another place, and begin again at its end.
    """

    path: str
    max_entries: int
    turns: Literal["first", "last", "all"]
    order: Literal["file", "shuffled"]
    conversations: int
    output_tokens: int | Mapping[str, Any] | None
    tokenizer: str | None

    def question(self, seed: int, slot: Slot) -> Question:
        walk = self._walk(seed)
        lane, number = lane_of(slot, self.conversations if self.turns == "all" else 1)
        entry, turn = walk.at(lane, number)
        return Question(self._chats[entry][turn].messages, self._limit(seed, f"{entry}.{turn}", entry, turn))

    def _limit(self, seed: int, name: str, entry: int, turn: int) -> int:
        """Drawn by the place in the file, so that a question that comes again comes with the same limit."""
        if self.output_tokens is None:
            return self._recorded_limits[entry][turn]
        return lengths(self.output_tokens).draw(Draws(seed, f"lengths:{name}"))

    def _walk(self, seed: int) -> "Walk":
        if seed not in self._walks:
            order = list(range(len(self._chats)))
            if self.order == "shuffled":
                _shuffle(order, Draws(seed, "order"))
            self._walks[seed] = Walk(order, list(accumulate(len(self._chats[entry]) for entry in order)))
        return self._walks[seed]

    @cached_property
    def _chats(self) -> tuple[tuple[Turn, ...], ...]:
        return read_chats(self.path, self.turns, self.max_entries)

    @cached_property
    def _recorded_limits(self) -> list[list[int]]:
        """As many tokens as the file's answers have, for every turn."""
        return [[limit_of(turn, self.tokenizer) for turn in chat] for chat in self._chats]

    @cached_property
    def _walks(self) -> dict[int, "Walk"]:
        """By seed: kept, not decided, here."""
        return {}


@dataclass(frozen=True)
class Walk:
    """The order of a file's entries for one seed. ends: how many turns there are to the end of each, in that order."""

    order: list[int]
    ends: list[int]

    def at(self, lane: int, number: int) -> tuple[int, int]:
        """Entry and turn of a lane's `number`-th request."""
        start = start_of(lane, len(self.order))
        place = ((self.ends[start - 1] if start else 0) + number) % self.ends[-1]
        found = bisect_right(self.ends, place)
        return self.order[found], place - (self.ends[found - 1] if found else 0)


def check_file(path: str, turns: str, max_entries: int, needs_limits: bool) -> None:
    """Raises WrongFile for a file that cannot be used; needs_limits: max_tokens are to come from it."""
    for chat in read_chats(path, turns, max_entries):
        for turn in chat:
            if needs_limits:
                limit_of(turn, None)


def limit_of(turn: Turn, tokenizer: str | None) -> int:
    """max_tokens by the file: the entry's own, or the length of its answer. Raises WrongFile where it has neither."""
    if turn.limit is not None:
        return turn.limit
    if turn.answer is None:
        said = str(turn.messages[-1].get("content"))[:40]
        raise WrongFile(f"has neither answer nor max_tokens for {said!r}; set output_tokens")
    if tokenizer is None:
        return max(1, round(len(turn.answer) / CHARACTERS_PER_TOKEN))
    from vgate.workload.tokenizer import count_tokens  # a library of its own

    return max(1, count_tokens(tokenizer, turn.answer))


def _shuffle(order: list[int], draws: Draws) -> None:
    """Fisher and Yates."""
    for last in range(len(order) - 1, 0, -1):
        other = draws.index(last + 1)
        order[last], order[other] = order[other], order[last]
