"""What the sections of a bench may not say together, though each of them is right by itself."""

from collections.abc import Callable

from vgate.config import keys_together
from vgate.config.bench_schema import BenchSettings
from vgate.config.errors import wrong
from vgate.config.load_schema import TraceSettings
from vgate.config.schema import NoEngineSettings, Settings


def check(settings: Settings, source: Callable[[str], str]) -> None:
    """Raises ConfigError. `source` says where a key came from."""
    assert isinstance(settings, BenchSettings)  # what a bench is configured by
    if isinstance(settings.engine, NoEngineSettings):
        raise wrong("engine", "none", source("engine"), "the bench measures chat; choose an engine that serves it")
    keys_together.check_bench(settings, source)
    _targets_apply(settings, source)
    if isinstance(settings.load, TraceSettings):
        _trace_reaches_the_window(settings.load, settings.trial.warmup_s, source)


def _targets_apply(settings: BenchSettings, source: Callable[[str], str]) -> None:
    limits = {"slo.ttft_ms": settings.slo.ttft_ms, "slo.tpot_ms": settings.slo.tpot_ms}
    given = [f"{key} = {limit:g}" for key, limit in limits.items() if limit is not None]
    if given and not settings.workload.stream:
        why = (
            f"whole answers have no TTFT and no TPOT to hold against {' and '.join(given)};"
            " must be true, or both must be null (slo=none; slo.e2e_ms may be set)"
        )
        raise wrong("workload.stream", False, source("workload.stream"), why)


def _trace_reaches_the_window(load: TraceSettings, warmup_s: float, source: Callable[[str], str]) -> None:
    from vgate.load.recorded import WrongFile
    from vgate.load.trace import Trace

    try:
        length_s = Trace(load.path, load.speed, load.start_s, load.max_rows).length_s
    except WrongFile as error:
        raise wrong("load.path", load.path, source("load.path"), str(error)) from None
    assert length_s is not None  # traces end
    if length_s <= warmup_s:
        why = f"ends after {length_s:.1f} s at load.speed = {load.speed:g}, within trial.warmup_s = {warmup_s:g}"
        raise wrong("load.path", load.path, source("load.path"), why)
