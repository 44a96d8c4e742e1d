"""One cell, measured: warm-up, window, drain, and everything that was seen, in a folder."""

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vgate.build import build_load
from vgate.config.secrets import without_secrets
from vgate.harness import gauges, records, server_records
from vgate.harness.cells import Cell
from vgate.harness.driving import LoadDriver, drivers_for
from vgate.harness.exchange import read
from vgate.harness.files import write_json, write_yaml
from vgate.harness.gpu import Gpus
from vgate.harness.layout import CELL, CONFIG, GAUGES, METRICS_AFTER, METRICS_BEFORE, OUTCOME, RAW, REQUESTS, SERVER
from vgate.harness.plan import Outcome, Plan
from vgate.harness.schedule import schedule_of
from vgate.harness.server import Server, ServerFailed


def measure(cell: Cell, server: Server, driver: LoadDriver, folder: Path, tick: Callable[[], None]) -> None:
    """Measure `cell` on a running server and fill `folder`. `tick` is called often, for a progress display.

    The metrics before and after enclose all requests, those of warm-up and drain included.
    Raises ServerFailed or DriverFailed.
    """
    begin, started = time.monotonic(), datetime.now(UTC)
    _configure(server, cell)
    server.keep_records(server_records.LIMIT)
    (folder / METRICS_BEFORE).write_text(server.metrics(), encoding="utf-8")
    gpus = Gpus()
    with gauges.Sampler(lambda: server.gauges() | gpus.read()) as sampler:

        def watch() -> None:
            server.check()
            sampler.check()
            tick()

        outcome = driver.drive(_plan(cell, server, folder), server.api_key, watch)
    (folder / METRICS_AFTER).write_text(server.metrics(), encoding="utf-8")
    kept, dropped = server.take_records()
    rows = records.rows_from(read(folder / RAW), outcome)
    records.save(rows, folder / REQUESTS)
    server_records.save(server_records.frame(kept), folder / SERVER)
    gauges.save(sampler.samples, folder / GAUGES)
    for scratch in (RAW, OUTCOME):
        (folder / scratch).unlink()
    write_yaml(folder / CONFIG, without_secrets(cell.container))
    description = _description(cell, server, outcome, started, time.monotonic() - begin)
    asked = schedule_of(cell.container, cell.seed, len(rows))
    write_json(folder / CELL, description | asked | {"records_dropped": dropped, "observed": _observed(sampler.missed)})


def _observed(missed: int) -> dict[str, Any]:
    """What was looked at while it was measured: it costs the server something, and the numbers hold that cost."""
    return {"records": True, "gauges_every_s": gauges.EVERY_S, "gauges_missed": missed}


def _configure(server: Server, cell: Cell) -> None:
    """Raises ServerFailed if what the server says it is built of is not what the cell says."""
    server.configure(cell.container)
    if server.graph != cell.graph_hash:
        raise ServerFailed(f"it is built of {server.graph}, and this cell's configuration of {cell.graph_hash}")


def drivers(cell: Cell) -> int:
    """How many driver processes the cell asks for, or its load needs."""
    return cell.settings.trial.drivers or drivers_for(build_load(cell.container["load"]))


def _plan(cell: Cell, server: Server, folder: Path) -> Plan:
    trial = cell.settings.trial
    return Plan(
        base_url=server.base_url,
        model=server.model(),
        load=cell.container["load"],
        workload=cell.container["workload"],
        seed=cell.seed,
        warmup_s=trial.warmup_s,
        duration_s=trial.duration_s,
        drain_s=trial.drain_s,
        tag=cell.key[:8],
        out=str(folder),
        drivers=drivers(cell),
    )


def _description(cell: Cell, server: Server, outcome: Outcome, started: datetime, wall_s: float) -> dict[str, Any]:
    return {
        "key": cell.key,
        "axes": cell.axes,
        "round": cell.round,
        "side": cell.side,
        "seed": cell.seed,
        "config_hash": cell.config_hash,
        "effective_hash": cell.effective_hash,
        "graph_hash": server.graph,
        "engine_hash": cell.engine_hash,
        "started_utc": started.isoformat(timespec="milliseconds"),
        "wall_s": round(wall_s, 3),
        "server_start_s": round(server.start_s, 3),
        "inputs": cell.inputs,
        **asdict(outcome),
    }
