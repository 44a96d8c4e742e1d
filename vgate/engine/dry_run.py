"""An engine without a model: deterministic text, in the time that a batching engine would take."""

import functools
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from vgate.engine.base import Engine
from vgate.engine.dry_answers import SHAPES, stream, whole
from vgate.engine.dry_faults import Fault, Faults, faulty
from vgate.engine.dry_request import DryRequest, read_request
from vgate.engine.dry_steps import Sequence, StepClock, engine_died
from vgate.engine.living import Restarted
from vgate.engine.restart import Restarting, RestartPolicy
from vgate.forms import Shape
from vgate.types import Call, Capacity, EngineSpan, Job, Occupancy


class DryRunEngine(Restarted, Engine):
    """Continuous batching in simulated time: prefill is shared, a decode step grows with the sequences that run.

    Text is words drawn from a hash of prompt, seed and choice; a token is a word. Fields that need a model (tools,
    logprobs, response_format, ...) are refused.
    """

    def __init__(  # noqa: PLR0913, PLR0917  the keys of its section
        self,
        prefill_tokens_per_s: float,
        decode_step_ms: float,
        decode_step_per_seq_ms: float,
        max_num_seqs: int,
        faults: dict[str, Any],
        restart: dict[str, Any],
        model: dict[str, Any],
    ) -> None:
        self._timing = (prefill_tokens_per_s, decode_step_ms / 1000, decode_step_per_seq_ms / 1000, max_num_seqs)
        self._faults = Faults(**faults)
        self._running = Restarting(self._load, RestartPolicy(**restart))
        self._max_num_seqs = max_num_seqs
        self._model = str(model["served_model_name"] or model["model_id"])
        self._max_model_len = int(model["max_model_len"] or 32768)

    async def _load(self) -> StepClock:
        return StepClock(*self._timing)

    @property
    def fingerprint(self) -> str:
        return f"dry_run:{self._model}:{self._max_model_len}"

    @property
    def sampling_defaults(self) -> dict[str, Any]:
        return {"temperature": 1.0}

    @property
    def shapes(self) -> Mapping[str, Shape]:
        return SHAPES

    @property
    def capacity(self) -> Capacity:
        return Capacity(self._max_num_seqs, self._max_num_seqs * self._max_model_len)

    @property
    def occupancy(self) -> Occupancy:
        core = self._running.core
        if core is None:
            return Occupancy()
        held = sum(sequence.prompt_tokens + sequence.made for sequence in core.running)
        return Occupancy(len(core.running), core.waiting, held / (self._max_num_seqs * self._max_model_len))

    def models(self) -> list[dict[str, Any]]:
        return [
            {
                "id": self._model,
                "object": "model",
                "created": 0,
                "owned_by": "vgate",
                "max_model_len": self._max_model_len,
            }
        ]

    async def prepare(self, call: Call) -> Job:
        request = read_request(call, self._model, self._max_model_len)
        return Job(call, request.prompt_tokens, request, request.max_tokens)

    def run(self, job: Job) -> AsyncGenerator[bytes, None]:
        core = self._running.core
        if core is None:
            raise engine_died()
        fault = self._faults.deal()
        answer = self._answer(core, job, fault)
        return faulty(answer, fault, _place(job, fault.tokens), core) if fault.kind else answer

    async def _answer(self, core: StepClock, job: Job, fault: Fault) -> AsyncGenerator[bytes, None]:
        request: DryRequest = job.payload
        sequences = [core.sequence(request.prompt_tokens, len(words), fault.pace) for words in request.choices]
        job.span.tell = functools.partial(_tell, job.span, sequences)
        try:
            if job.call.stream:
                async for event in stream(job.call, request, self._model, sequences):
                    yield event
            else:
                if fault.midway:
                    for sequence in sequences:
                        await sequence.wait_for(fault.tokens)
                    yield b""  # in whose place the fault comes
                for sequence in sequences:
                    await sequence.finish()
                yield whole(job.call, request, self._model)
        finally:
            job.span.refresh()
            job.span.tell = None
            for sequence in sequences:
                sequence.abort()


def _place(job: Job, tokens: int) -> int:
    """Which piece of the answer comes after so many tokens; of an answer in one piece, that one."""
    choices = job.payload.choices
    if not job.call.stream:
        return 0
    roles = len(choices) if job.call.endpoint == "chat" else 0
    return roles + min(tokens, sum(map(len, choices)))


def _tell(span: EngineSpan, sequences: list[Sequence]) -> None:
    """What became of a call, in the words of its engine."""
    begun = [sequence for sequence in sequences if sequence.first is not None]
    span.queued = min(sequence.queued for sequence in sequences)
    span.scheduled = min((s.scheduled for s in sequences if s.scheduled is not None), default=None)
    span.first_token = min((s.first for s in begun if s.first is not None), default=None)
    span.last_token = max((s.last for s in begun if s.last is not None), default=None)
    span.prompt_tokens = sum(sequence.prompt_tokens for sequence in begun)
    span.tokens, span.preemptions = sum(sequence.made for sequence in sequences), 0
