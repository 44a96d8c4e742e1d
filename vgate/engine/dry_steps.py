"""The timing of an engine that batches continuously, in the event loop's time."""

import asyncio
from collections import deque

from vgate.errors import NotReady


class Sequence:
    """One answer in the making: how many tokens it has, and a bell that rings with each.

    pace: steps for a token; 1 is as fast as the engine goes.
    queued, scheduled, first, last: when it came to the queue, entered a step, had its first and its last token.
    """

    def __init__(self, prompt_tokens: int, tokens: int, pace: int, now: float) -> None:
        self.prompt_tokens = prompt_tokens
        self.tokens = tokens
        self.made = 0
        self.aborted = False
        self.queued = now
        self.scheduled: float | None = None
        self.first: float | None = None
        self.last: float | None = None
        self._pace = pace
        self._steps = 0
        self._lost = False
        self._bell = asyncio.Event()

    async def wait_for(self, count: int) -> None:
        """Return when so many tokens are there. Raises NotReady when the engine dies before."""
        while self.made < min(count, self.tokens):
            if self._lost:
                raise engine_died()
            self._bell.clear()
            await self._bell.wait()

    async def finish(self) -> None:
        """Return when the last token is there."""
        await self.wait_for(self.tokens)

    def abort(self) -> None:
        """Leave the batch at the next step."""
        self.aborted = True

    def lose(self) -> None:
        """There will be no more tokens."""
        self._lost = True
        self._bell.set()

    def advance(self, now: float) -> None:
        """One step more."""
        self._steps += 1
        if self._steps % self._pace == 0:
            self.made += 1
            self.last = now
            self.first = now if self.first is None else self.first
            self._bell.set()

    @property
    def over(self) -> bool:
        return self.aborted or self.made >= self.tokens


class StepClock:
    """Runs steps while there is work: each reads the prompts of the newly admitted and makes one token for all others.

    A step lasts decode_step + (running - 1) * per_sequence, plus new prompt tokens / prefill speed. At most
    `max_num_seqs` sequences run; others wait in order of arrival. `padded`: each new prompt costs as much as the
    longest beside it. Once dead it stays so.
    """

    def __init__(
        self,
        prefill_tokens_per_s: float,
        step_s: float,
        per_sequence_s: float,
        max_num_seqs: int,
        *,
        padded: bool = False,
    ) -> None:
        self._prefill_s = 1 / prefill_tokens_per_s
        self._step_s = step_s
        self._per_sequence_s = per_sequence_s
        self._max_num_seqs = max_num_seqs
        self._padded = padded
        self._waiting: deque[Sequence] = deque()
        self._running: list[Sequence] = []
        self._task: asyncio.Task[None] | None = None
        self._dead = asyncio.Event()

    @property
    def alive(self) -> bool:
        """Whether it makes tokens."""
        return not self._dead.is_set()

    def sequence(self, prompt_tokens: int, tokens: int, pace: int = 1) -> Sequence:
        """Queue a sequence; its tokens come as steps are done."""
        if not self.alive:
            raise engine_died()
        sequence = Sequence(prompt_tokens, tokens, pace, asyncio.get_running_loop().time())
        self._waiting.append(sequence)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._steps())
        return sequence

    @property
    def running(self) -> list[Sequence]:
        """Those of which tokens are made."""
        return [sequence for sequence in self._running if not sequence.over]

    @property
    def waiting(self) -> int:
        """How many are not among them yet."""
        return sum(not sequence.over for sequence in self._waiting)

    async def prefill(self, prompt_tokens: int) -> None:
        """Read a prompt and make nothing: what an embedding costs."""
        sequence = self.sequence(prompt_tokens, 1)
        try:
            await sequence.finish()
        finally:
            sequence.abort()

    def crash(self) -> None:
        """Die at once: all sequences are lost."""
        self._dead.set()
        for sequence in [*self._waiting, *self._running]:
            sequence.lose()
        if self._task is not None:
            self._task.cancel()

    async def ping(self) -> None:
        """Steps are never stuck."""

    async def until_dead(self) -> None:
        """Wait for its death, which is then raised as NotReady."""
        await self._dead.wait()
        raise engine_died()

    async def stop(self) -> None:
        """End the steps; sequences that have not ended are lost."""
        self.crash()
        if self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def _steps(self) -> None:
        while True:
            self._running = [sequence for sequence in self._running if not sequence.over]
            admitted = self._admit()
            if not self._running:
                return
            await asyncio.sleep(self._duration(admitted))
            now = asyncio.get_running_loop().time()
            for sequence in self._running:
                sequence.advance(now)

    def _admit(self) -> list[Sequence]:
        now, admitted = asyncio.get_running_loop().time(), list[Sequence]()
        while self._waiting and len(self._running) < self._max_num_seqs:
            sequence = self._waiting.popleft()
            if not sequence.over:
                sequence.scheduled = now
                admitted.append(sequence)
                self._running.append(sequence)
        return admitted

    def _duration(self, admitted: list[Sequence]) -> float:
        tokens = [sequence.prompt_tokens for sequence in admitted]
        read = max(tokens, default=0) * len(tokens) if self._padded else sum(tokens)
        return read * self._prefill_s + self._step_s + (len(self._running) - 1) * self._per_sequence_s


def engine_died() -> NotReady:
    """What requests that were in the engine are told."""
    return NotReady("The engine has died.")
