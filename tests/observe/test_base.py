"""Observers hear everything and can change nothing."""

import logging
from typing import Any

import pytest

from vgate.observe.base import Observer, Observers
from vgate.record import Record
from vgate.types import Batch


class Hears(Observer):
    def __init__(self) -> None:
        self.heard: list[Any] = []

    def started(self, record: Record) -> None:
        self.heard.append(("started", record))

    def batch_done(self, batch: Batch, now: float) -> None:
        self.heard.append(("batch_done", batch, now))

    def finished(self, record: Record) -> None:
        self.heard.append(("finished", record))


class Counts(Observer):
    def __init__(self) -> None:
        self.decisions: list[str] = []

    def limited(self, decision: str) -> None:
        self.decisions.append(decision)


class Fails(Observer):
    def limited(self, decision: str) -> None:
        raise RuntimeError("no")

    def started(self, record: Record) -> None:
        raise RuntimeError("no")

    def batch_done(self, batch: Batch, now: float) -> None:
        raise RuntimeError("no")

    def finished(self, record: Record) -> None:
        raise RuntimeError("no")


RECORD = Record("r", "/health", "GET", 0.0)
BATCH = Batch(1, 1, 0.0, 0)


def tell(observer: Observer) -> None:
    observer.started(RECORD)
    observer.batch_done(BATCH, 1.0)
    observer.finished(RECORD)


@pytest.mark.parametrize("failing", [False, True])
def test_all_hear_every_step_also_after_one_that_fails(failing: bool, caplog: pytest.LogCaptureFixture) -> None:
    first, last = Hears(), Hears()
    tell(Observers(first, *([Fails()] if failing else []), last))
    steps = [("started", RECORD), ("batch_done", BATCH, 1.0), ("finished", RECORD)]
    assert first.heard == last.heard == steps
    assert [(line.levelno, line.message, vars(line)["observer"]) for line in caplog.records] == (
        [(logging.ERROR, "observer failed", "Fails")] * 3 if failing else []
    )


def test_an_observer_that_cares_for_nothing_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    tell(Observer())
    tell(Observers())
    assert not caplog.records


def test_all_hear_what_keys_and_limits_decide() -> None:
    first, last = Counts(), Counts()
    for decision in ("allowed", "requests"):
        Observers(first, Fails(), last).limited(decision)
    assert first.decisions == last.decisions == ["allowed", "requests"]
