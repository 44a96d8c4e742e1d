"""The figures of a report, in the order in which they stand there."""

from collections.abc import Callable, Sequence

import pandas as pd

from vgate.harness.configurations import Configuration
from vgate.harness.figures.bars import bars
from vgate.harness.figures.cdfs import cdfs
from vgate.harness.figures.pareto import pareto
from vgate.harness.figures.parts import parts
from vgate.harness.figures.percentiles import percentiles
from vgate.harness.figures.theme import Picture
from vgate.harness.figures.timeline import timelines
from vgate.harness.metrics.tpot import tpot_ms
from vgate.harness.metrics.ttft import ttft_ms, ttft_service_ms
from vgate.harness.results import Run
from vgate.harness.table import SERVICE, columns_of
from vgate.harness.verdict import Verdict

# metric, function of rows, words
Ttft = tuple[str, Callable[[pd.DataFrame], pd.Series], str]
HEADLINE: Ttft = ("ttft_ms", ttft_ms, "TTFT, ms from the intended time")
FROM_SEND: Ttft = ("ttft_service_ms", ttft_service_ms, "TTFT service, ms from the send")


def pictures(found: Sequence[Configuration], verdict: Verdict, run: Run) -> list[Picture]:
    """Those for which there is something to draw."""
    goodput = verdict.metric == "goodput_per_s"
    metric, function, words = FROM_SEND if columns_of(run) is SERVICE else HEADLINE
    drawn = [
        bars(found, "goodput_per_s", "Goodput, requests/s that meet all targets") if goodput else None,
        bars(found, "output_tokens_per_s", "Throughput, output tokens/s"),
        pareto(found, metric, words),
        percentiles(found, metric, words),
        percentiles(found, "tpot_ms", "TPOT, ms per output token"),
        cdfs(found, function, words),
        cdfs(found, tpot_ms, "TPOT, ms per output token"),
        parts(found),
        timelines(found),
    ]
    return [picture for picture in drawn if picture is not None]
