"""Bounds of histograms, and label values: what may be counted under which name."""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100)
# Fine where targets lie, from 5 ms to 1 s; a queue may make it 100 s.
TTFT_SECONDS = (
    *(0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75),
    *(1, 1.5, 2.5, 5, 10, 25, 50, 100),
)
# A token takes from a millisecond on a large card to a second on an overloaded small one.
TPOT_SECONDS = (0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5)
TOKENS = (16, 64, 256, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
SIZES = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 128, 256)

_STATUSES = frozenset(
    {200, 204, 304, 400, 401, 403, 404, 405, 408, 413, 415, 422, 429, 431, 499, 500, 501, 502, 503, 504}
)


def exemplar(trace: Mapping[str, str] | None) -> dict[str, str] | None:
    """The trace by which an observation can be looked at, where it is recorded; from its W3C headers."""
    parent = trace.get("traceparent", "") if trace else ""
    return {"trace_id": parent[3:35]} if parent.endswith("-01") else None


def status(code: int) -> str:
    """A status of the server's own, else its class, as `4xx`: an engine elsewhere may answer with any."""
    if code in _STATUSES:
        return str(code)
    return f"{code // 100}xx" if 100 <= code < 600 else "other"


def counter(registry: CollectorRegistry, name: str, about: str, label: str, values: Iterable[str]) -> Counter:
    """One by a label, whose values are all there from the start: of what is not there a first event is no rise."""
    made = Counter(name, about, [label], registry=registry)
    for value in values:
        made.labels(value)
    return made


def known(value: str, values: tuple[str, ...]) -> str:
    """The value if it is one of these, else "other"."""
    return value if value in values else "other"
