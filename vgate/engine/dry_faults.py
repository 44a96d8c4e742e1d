"""Failing on purpose: what the dry-run engine does to some of its answers, so that all else can be tried against it.

The fault of a request follows from the seed and the request's place in the order in which requests enter the engine:
the same load gives the same faults, and a request that is sent again may go well.
"""

import contextlib
import random
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from vgate.engine.dry_steps import StepClock
from vgate.errors import ApiError

#: Each is a share of requests in `conf/engine/dry_run.yaml`.
KINDS = ("error_before", "error_after", "hang", "drop", "crash", "slow", "split")
# Of a stream cut in pieces, the average piece: well below an event.
_PIECE_BYTES = 40


@dataclass(frozen=True)
class Fault:
    """What befalls one request. `kind` is one of `KINDS`, or "" for nothing; it comes after `tokens` tokens.

    pace: steps of the engine for a token of this request.
    """

    kind: str = ""
    tokens: int = 0
    pace: int = 1
    dice: random.Random = field(default_factory=random.Random, compare=False)

    @property
    def midway(self) -> bool:
        """Whether it comes in place of what follows those tokens."""
        return self.kind in ("error_after", "hang", "crash")


NONE = Fault()


class Faults:
    """Deals out faults. Takes the keys of the section `faults`."""

    def __init__(self, seed: int, after_tokens: int, slow_factor: int, **rates: float) -> None:
        self._seed = seed
        self._after_tokens = after_tokens
        self._slow_factor = slow_factor
        self._rates = [(kind, rates[kind]) for kind in KINDS if rates[kind]]
        self._dealt = 0

    def deal(self) -> Fault:
        """The fault of the next request."""
        self._dealt += 1
        if not self._rates:
            return NONE
        dice = random.Random(f"{self._seed}:{self._dealt}")  # noqa: S311  repeatable on purpose
        kind = self._kind(dice.random())
        tokens = dice.randint(1, self._after_tokens) if kind in ("error_after", "crash") else 0
        tokens = dice.randint(0, self._after_tokens) if kind in ("hang", "drop") else tokens
        return Fault(kind, tokens, self._slow_factor if kind == "slow" else 1, dice)

    def _kind(self, share: float) -> str:
        for kind, rate in self._rates:
            if share < rate:
                return kind
            share -= rate
        return ""


async def faulty(
    answer: AsyncGenerator[bytes, None], fault: Fault, strikes_at: int, core: StepClock
) -> AsyncGenerator[bytes, None]:
    """The answer's pieces as the fault lets them through: it strikes in place of the one at `strikes_at`.

    One that is dropped ends anywhere in that piece.
    """
    async with contextlib.aclosing(answer):
        if fault.kind == "error_before":
            raise _error("before the first token")
        position = 0
        async for piece in answer:
            if position == strikes_at and fault.kind == "drop":
                yield piece[: fault.dice.randrange(len(piece))]
                return
            if position == strikes_at and fault.midway:
                await _strike(fault, core)
            for part in _cut(piece, fault.dice) if fault.kind == "split" else (piece,):
                yield part
            position += 1


async def _strike(fault: Fault, core: StepClock) -> None:
    if fault.kind == "error_after":
        raise _error(f"after {fault.tokens} tokens")
    if fault.kind == "crash":
        core.crash()
    await core.until_dead()


def _error(when: str) -> ApiError:
    return ApiError(500, f"A fault on purpose, {when} (engine.faults).", "server_error", code="injected_fault")


def _cut(piece: bytes, dice: random.Random) -> list[bytes]:
    """In pieces cut anywhere: within a character, within `data:`, within a line end."""
    places = sorted(dice.randrange(len(piece) + 1) for _ in range(len(piece) // _PIECE_BYTES + 1))
    return [piece[begin:end] for begin, end in zip([0, *places], [*places, len(piece)], strict=True)]
