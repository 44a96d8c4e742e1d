"""Known requests, and what a scrape says after them."""

import asyncio
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.calls import chat
from vgate.observe.prometheus import PrometheusObserver
from vgate.record import Record
from vgate.types import Ticket, Usage

CHAT = "/v1/chat/completions"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def record(arrived: float = 10.0, **fields: Any) -> Record:
    usual: dict[str, Any] = {"endpoint": CHAT, "method": "POST", "status": 200, "finished": arrived + 2.0}
    return Record("r", arrived=arrived, **(usual | fields))


def streamed(**fields: Any) -> Record:
    """TTFT 0.5 s; four more tokens in 1 s."""
    stamps: dict[str, Any] = {"first_token": 10.5, "last_token": 11.5, "usage": Usage(3, 5)}
    return record(**({"stream": True, "cache": "miss", "generated": True} | stamps | fields))


def samples(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("vgate_") and not sample.name.endswith("_created")
    }


def scrape(observer: PrometheusObserver) -> Samples:
    return samples(observer.exposition().decode())


def value(observer: PrometheusObserver, name: str, **labels: str) -> float | None:
    return scrape(observer).get((name, tuple(sorted(labels.items()))))


def finish(observer: PrometheusObserver, *records: Record) -> None:
    for one in records:
        observer.started(one)
        observer.finished(one)


def left(stream: bool = True, **fields: Any) -> PrometheusObserver:
    """A generation that arrived at 10 and said five tokens from 10.5 to 11.5, with these changes."""
    observer = PrometheusObserver()
    stamps: dict[str, Any] = {"first_token": 10.5, "last_token": 11.5, "tokens": 5, "complete": True}
    loop = asyncio.new_event_loop()
    observer.left(Ticket(chat(stream=stream), 1, 10.0, loop.create_future(), **(stamps | fields)))
    loop.close()
    return observer
