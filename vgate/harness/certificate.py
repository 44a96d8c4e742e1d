"""What the instrument itself adds: the load driver, measured against a server whose timing is known."""

import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vgate.harness import records
from vgate.harness.driving import DriverFailed, LoadDriver
from vgate.harness.exchange import read
from vgate.harness.files import read_json, write_json
from vgate.harness.golden.process import GoldenServer, golden
from vgate.harness.golden.shapes import MIXED, MODEL
from vgate.harness.layout import RAW
from vgate.harness.metrics.lag import dispatch_lag_ms
from vgate.harness.metrics.percentile import nearest_rank
from vgate.harness.metrics.select import answered, in_window
from vgate.harness.plan import Outcome, Plan
from vgate.harness.reading import reading

RATE, TOKENS, TTFT_MS, ITL_MS = 300.0, 16, 50.0, 10.0
# 17 is odd and no multiple of a bundle: the last chunk of an answer is then unlike the others.
MIXED_RATE, MIXED_TOKENS = 60.0, 17
WARMUP_S, SECONDS, MIXED_SECONDS, DRAIN_S = 0.4, 2.0, 0.6, 10.0
Accounts = dict[str, dict[str, Any]]  # request id -> `vgate.harness.golden.server.Account`, as it travels


@dataclass(frozen=True, slots=True)
class Certificate:
    """Figures of the load driver, at `rate` requests/s (Poisson) of `tokens` streamed tokens each. Times in ms.

    lag_ms_*:   t_send - t_int of the requests of the window.
    stamp_ms_*: a token's stamp - the moment at which the server was about to write it: the way through the kernel, and
                the wait until the driver has read it. What TTFT, TPOT, ITL and E2E can be wrong by.
    token_errors: answers that failed, or whose tokens, chunks, or tokens in each chunk were not what the server said;
                out of `answers`, streamed in all the ways of `vgate.harness.golden.shapes`.
    cpu_share, wait_share: as in `vgate.harness.plan.Outcome`.
    load_1min: the machine's load average before.
    """

    utc: str
    drivers: int
    rate: float
    tokens: int
    requests: int
    lag_ms_p50: float
    lag_ms_p99: float
    lag_ms_max: float
    stamp_ms_p50: float
    stamp_ms_p99: float
    stamp_ms_max: float
    answers: int
    token_errors: int
    cpu_share: float
    wait_share: float
    load_1min: float

    @property
    def words(self) -> str:
        """The bounds of the instrument in one line."""
        who = "the load driver" if self.drivers == 1 else f"the load driver in {self.drivers} processes"
        return (
            f"{who}, at {self.rate:g} requests/s x {self.tokens} tokens:"
            f" sends {self.lag_ms_p50:.2f} ms late (p99 {self.lag_ms_p99:.2f}),"
            f" stamps tokens {self.stamp_ms_p50:.2f} ms late (p99 {self.stamp_ms_p99:.2f}),"
            f" {self.token_errors} token-count errors in {self.answers} answers;"
            f" it ran for {self.cpu_share:.0%} of the time and waited for a core for {self.wait_share:.0%}"
        )


def certify(
    driver: LoadDriver, folder: Path, tick: Callable[[], None], drivers: int = 1, seconds: float = SECONDS
) -> Certificate:
    """Measure `driver` against a golden server: `seconds` (the window) and two or three more. `folder` must be empty.

    p99 of the lag needs 459 requests, so 1.6 s at least. Raises DriverFailed, also where tokens are miscounted: there
    is no use in going on then.
    """
    utc, load_1min = datetime.now(UTC).isoformat(timespec="seconds"), os.getloadavg()[0]
    try:
        with golden(folder / "golden.log", ttft_ms=TTFT_MS, itl_ms=ITL_MS) as server:
            single = golden_plan(server, folder / "single", seconds, drivers)
            mixed = golden_plan(server, folder / "mixed", MIXED_SECONDS, drivers, mixed=True)
            (outcome, rows), (_, others) = (_drive(driver, plan, tick) for plan in (single, mixed))
            truth = server.stamps()
    except RuntimeError as error:
        raise DriverFailed(str(error)) from None
    wrong = wrong_counts(pd.concat([rows, others]), truth)
    answers = len(rows) + len(others)
    if wrong:
        raise DriverFailed(f"the load driver counts wrongly in {len(wrong)} of {answers} answers, first {wrong[0]}")
    measured = {
        **_three("lag_ms", list(dispatch_lag_ms(in_window(rows)))),
        **_three("stamp_ms", stamp_errors_ms(in_window(rows), truth)),
        "cpu_share": outcome.cpu_share,
        "wait_share": outcome.wait_share,
        "load_1min": round(load_1min, 2),
    }
    requests = len(in_window(rows))
    return Certificate(utc, drivers, RATE, TOKENS, requests, answers=answers, token_errors=len(wrong), **measured)


def golden_plan(server: GoldenServer, out: Path, seconds: float, drivers: int = 1, mixed: bool = False) -> Plan:
    """The load of a certificate, on a golden server of TTFT_MS and ITL_MS; `out` is made.

    mixed: fewer answers, streamed in all the ways that servers do, the tokens in each chunk asked for.
    """
    out.mkdir()
    model, rate, tokens = (MIXED, MIXED_RATE, MIXED_TOKENS) if mixed else (MODEL, RATE, TOKENS)
    workload = {
        "_target_": "vgate.workload.synthetic.Synthetic",
        "prompt_tokens": 32,
        "output_tokens": tokens,
        "tokenizer": None,
        "stream": True,
        "temperature": 0.0,
        "ignore_eos": True,
        "usage_per_chunk": mixed,
    }
    return Plan(
        base_url=server.url,
        model=model,
        load={"_target_": "vgate.load.poisson.Poisson", "rate": rate},
        workload=workload,
        seed=0,
        warmup_s=WARMUP_S,
        duration_s=seconds,
        drain_s=DRAIN_S,
        tag=model,
        out=str(out),
        drivers=drivers,
    )


def wrong_counts(rows: pd.DataFrame, truth: Accounts) -> list[str]:
    """The answers, by request id, of which the client does not say what the server says."""
    return [row.request_id for row in rows.itertuples() if not _agree(row, truth.get(row.request_id))]


def stamp_errors_ms(rows: pd.DataFrame, truth: Accounts) -> list[float]:
    """Stamp - the server's, for each chunk with text of the complete answers."""
    pairs = [(row.t_tok, truth[row.request_id]["written"]) for row in answered(rows).itertuples()]
    late = [np.asarray(seen) - np.asarray(written) for seen, written in pairs if len(seen) == len(written)]
    return [float(error) for error in np.concatenate(late) / 1e6] if late else []


def save(certificate: Certificate, path: Path) -> None:
    """Add a certificate to a run's; each session that measures something adds one."""
    write_json(path, [asdict(each) for each in [*load(path), certificate]])


def load(path: Path) -> list[Certificate]:
    """The certificates of a run, oldest first; none where the file is missing. Raises Unreadable."""
    if not path.exists():
        return []
    with reading(path):
        return [_checked(Certificate(**content)) for content in read_json(path)]


def worst(certificates: list[Certificate]) -> list[Certificate]:
    """For each number of driver processes, fewest first, the one with the widest bounds."""
    widest: dict[int, Certificate] = {}
    for each in sorted(certificates, key=lambda each: each.lag_ms_p99 + each.stamp_ms_p99):
        widest[each.drivers] = each
    return [widest[drivers] for drivers in sorted(widest)]


def _checked(certificate: Certificate) -> Certificate:
    """Raises TypeError where a figure is none."""
    words = [
        name for name, value in asdict(certificate).items() if name != "utc" and not isinstance(value, int | float)
    ]
    if words:
        raise TypeError(f"{words[0]} must be a number")
    return certificate


def _agree(row: Any, account: dict[str, Any] | None) -> bool:
    return (
        account is not None
        and pd.isna(row.error)
        and row.completion_tokens == account["tokens"]
        and len(row.t_tok) == len(account["written"])
        and row.n_tok is not None
        and list(row.n_tok) == account["sizes"]
    )


def _drive(driver: LoadDriver, plan: Plan, tick: Callable[[], None]) -> tuple[Outcome, pd.DataFrame]:
    outcome = driver.drive(plan, None, tick)
    return outcome, records.rows_from(read(Path(plan.out, RAW)), outcome)


def _three(name: str, values: list[float]) -> dict[str, float]:
    """p50, p99 and the largest. Requests that were never sent have no lag; they count as errors."""
    ordered = sorted(value for value in values if not math.isnan(value)) or [float("nan")]
    shown = {"p50": nearest_rank(ordered, 50), "p99": nearest_rank(ordered, 99), "max": ordered[-1]}
    return {f"{name}_{percent}": round(value, 4) for percent, value in shown.items()}
