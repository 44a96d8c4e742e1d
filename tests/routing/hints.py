"""Hints and workers for tests of routing."""

from vgate.routing.base import Hint, Routing
from vgate.workers.worker import Worker, WorkerSpec


def worker(number: int, weight: float = 1.0, most: int | None = None) -> Worker:
    made = Worker(WorkerSpec(f"http://w{number}:8000", f"w{number}", weight=weight, max_concurrency=most))
    made.health = "ready"
    return made


def workers(count: int) -> list[Worker]:
    return [worker(number) for number in range(count)]


def prompt(text: str) -> Hint:
    """A hint whose prompt is that text, as long as it takes to be looked at."""
    return Hint("m", lambda most: (text.encode() * (1 + most // max(len(text), 1)))[:most])


def given(routing: Routing, candidates: list[Worker], hints: list[Hint]) -> list[Worker]:
    """Who gets each request, when none ends."""
    chosen = []
    for hint in hints:
        one = routing.choose(candidates, hint)
        one.in_flight += 1
        chosen.append(one)
    return chosen
