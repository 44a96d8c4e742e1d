"""The Locust users that the harness and `loadtests/locustfile.py` share."""

from dataclasses import dataclass
from typing import Any

import gevent
from locust import User

from vgate.harness.driver.stats import PATH, failure
from vgate.harness.driver.wire import Wire, now
from vgate.harness.exchange import Exchange
from vgate.workload.base import Slot, Workload

PAUSE_AFTER_FAILURE_S = 0.1  # so that a server which refuses is not asked in a tight loop


@dataclass(slots=True)
class Draft:
    """A request ready to go: its empty record and its bytes."""

    exchange: Exchange
    request: bytes


class Asker:
    """Asks the questions of one workload at one server. Shared by all users of a run."""

    def __init__(self, wire: Wire, workload: Workload, model: str, seed: int, tag: str) -> None:
        self._wire = wire
        self._workload = workload
        self._model = model
        self._seed = seed
        self._tag = tag

    def draft(self, slot: Slot) -> Draft:
        """The request in `slot`, to be stamped with its intended time when that is known."""
        exchange = Exchange(slot.name, f"{self._tag}-{slot.name}", 0)
        body = self._workload.body(self._seed, slot, self._model)
        return Draft(exchange, self._wire.request(PATH, body, exchange.request_id))

    def ask(self, draft: Draft) -> None:
        """Send it and fill its record; returns when the answer has ended or failed."""
        self._wire.send(draft.request, draft.exchange)


class ClosedLoopUser(User):
    """Sends its next request when its last answer has ended. A subclass gives it an `asker` and says when to ask.

    The next request is drafted ahead (`draft_next`), to keep the user's own think time short.
    """

    abstract = True
    asker: Asker
    number: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._drafted = 0
        self._next: Draft | None = None
        self._free_since = 0

    def on_start(self) -> None:
        self.draft_next()
        self._free_since = now()

    def draft_next(self) -> None:
        """Have the next request ready. Called when there is time for it."""
        if self._next is None:
            self._next = self.asker.draft(Slot(self.number, self._drafted))
            self._drafted += 1

    def ask_once(self) -> Exchange:
        """One request, intended for the moment since which this user has been free."""
        self.draft_next()
        assert self._next is not None  # drafted in the line above at the latest
        draft, self._next = self._next, None
        draft.exchange.t_int = self._free_since
        self.do(draft)
        if failure(draft.exchange):
            gevent.sleep(PAUSE_AFTER_FAILURE_S)
            self._free_since = now()
        else:
            self._free_since = draft.exchange.t_end or now()
        return draft.exchange

    def do(self, draft: Draft) -> None:
        """Ask. A subclass wraps its bookkeeping around this."""
        self.asker.ask(draft)
