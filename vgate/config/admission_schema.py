"""The sections `queue` and `batch`: types and bounds. Values and their meaning: `conf/queue/` and `conf/batch/`."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from vgate.config.sections import Component, NotNegative, Positive, PositiveFloat, target_of


class BatchSettings(Component):
    max_batch_size: Positive
    max_wait_time_ms: NotNegative


class PlainBatchSettings(BatchSettings):
    target: Literal[
        "vgate.batch.passthrough.Passthrough",
        "vgate.batch.lockstep.Lockstep",
        "vgate.batch.time_window.TimeWindow",
        "vgate.batch.adaptive.Adaptive",
    ] = Field(alias="_target_")


class TokenBudgetSettings(BatchSettings):
    target: Literal["vgate.batch.token_budget.TokenBudget"] = Field(alias="_target_")
    max_tokens_in_flight: Positive | None
    length_quantile: float = Field(gt=0, le=1)


class QueueSettings(Component):
    max_waiting: Positive
    max_running: Positive | Literal["engine"] | None


class FifoSettings(QueueSettings):
    target: Literal["vgate.queue.fifo.Fifo"] = Field(alias="_target_")


class PrioritySettings(QueueSettings):
    target: Literal["vgate.queue.priority.Priority"] = Field(alias="_target_")
    most: Positive
    ageing_s: PositiveFloat


class FairSettings(QueueSettings):
    target: Literal["vgate.queue.fair.Fair"] = Field(alias="_target_")
    ageing_s: PositiveFloat


Batch = Annotated[
    Annotated[PlainBatchSettings, Tag("vgate.batch.passthrough.Passthrough")]
    | Annotated[PlainBatchSettings, Tag("vgate.batch.lockstep.Lockstep")]
    | Annotated[PlainBatchSettings, Tag("vgate.batch.time_window.TimeWindow")]
    | Annotated[PlainBatchSettings, Tag("vgate.batch.adaptive.Adaptive")]
    | Annotated[TokenBudgetSettings, Tag("vgate.batch.token_budget.TokenBudget")],
    Discriminator(target_of),
]
Queue = Annotated[
    Annotated[FifoSettings, Tag("vgate.queue.fifo.Fifo")]
    | Annotated[PrioritySettings, Tag("vgate.queue.priority.Priority")]
    | Annotated[FairSettings, Tag("vgate.queue.fair.Fair")],
    Discriminator(target_of),
]
