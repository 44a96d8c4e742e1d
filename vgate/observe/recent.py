"""The last minute of a server, computed for whoever watches it live."""

import asyncio
import time
from collections import Counter, deque
from dataclasses import asdict
from typing import Any

from vgate.observe.base import Observer
from vgate.observe.sketch import Sketch
from vgate.observe.tally import Tally, Use
from vgate.record import Record
from vgate.types import Batch, Ticket

WINDOW_S = 60
ERRORS = 20
# Keys of which the use is told one by one, those with most requests first.
KEYS = 100
_PERCENTS = (50, 90, 99)


class Recent(Observer):
    """Keeps a minute, second by second, and the last errors, without a word of what was asked or answered.

    Requests are those to `/v1/` by POST, which ask a model. Memory is bounded: by the API keys that are configured, and
    by constants. Times are the event loop's, in seconds.
    """

    def __init__(self) -> None:
        self._began: float | None = None
        self._seconds: deque[Tally] = deque()
        self._errors: deque[dict[str, Any]] = deque(maxlen=ERRORS)
        self._in_flight = self._waiting = self._running = 0

    def begin(self, now: float) -> None:
        """The server is there from now on. Without it, since it was first told or asked something."""
        self._began = now if self._began is None else self._began

    def started(self, record: Record) -> None:
        self._in_flight += _asks(record)

    def waiting(self, change: int) -> None:
        self._waiting += change

    def running(self, change: int) -> None:
        self._running += change

    def refused(self, reason: str) -> None:
        self._second().dropped[reason] += 1

    def limited(self, decision: str) -> None:
        self._second().limiter[decision] += 1

    def left(self, ticket: Ticket) -> None:
        self._second().generation(ticket)

    def batch_done(self, batch: Batch, now: float) -> None:
        self._second(now).batch(batch)

    def finished(self, record: Record) -> None:
        now = asyncio.get_running_loop().time() if record.finished is None else record.finished
        failed = record.status >= 400 or bool(record.error)
        if failed:
            self._errors.append(_error(record, now))
        if _asks(record):
            self._in_flight -= 1
            self._second(now).request(record, failed)

    def _second(self, now: float | None = None) -> Tally:
        """The one that it is."""
        now = asyncio.get_running_loop().time() if now is None else now
        self.begin(now)
        if not self._seconds or self._seconds[-1].second < int(now):
            self._seconds.append(Tally(int(now)))
            self._forget(now)
        return self._seconds[-1]

    def _forget(self, now: float) -> None:
        while self._seconds and self._seconds[0].second <= int(now) - WINDOW_S:
            self._seconds.popleft()

    def snapshot(self, now: float) -> dict[str, Any]:
        """The last `window_s` seconds (59 to 60, fewer after the start) as JSON: rates a second, lengths in seconds.

        `requests` by their status when they ended; `broken` had begun to stream and ended with an error; `last_60`
        counts them second by second, the current one last. Percentiles are of sketches, within 1 % of the exact ones,
        null below the number of requests that they need: `ttft_s` and `tpot_s` of streamed generations, as in
        `vgate_ttft_seconds`; `e2e_s` of chats and completions that were answered well, those from the cache too;
        `admission_wait_s` of generations. `batch_sizes`: [size, batches], 512 and more together. `tokens`: what the
        engine made; those of `keys` are what answers told, from the cache or not. `cache`: requests, and shares of
        those that could have been hits. `last_errors`: the newest first, of any age and route, `at` in Unix time.
        """
        self.begin(now)
        self._forget(now)
        whole, up = Tally(), now - (self._began or 0.0)
        for second in self._seconds:
            whole.include(second)
        window = max(1.0, min(up, now - int(now) + WINDOW_S - 1))
        return {
            "window_s": window,
            "uptime_s": up,
            "in_flight": self._in_flight,
            "waiting": self._waiting,
            "running": self._running,
            "requests": {**_requests(whole, window), "last_60": self._each_second(int(now))},
            **{name: _length(sketch) for name, sketch in whole.lengths.items()},
            "tokens": {"n": whole.generated_tokens, "per_s": whole.generated_tokens / window},
            "batch_sizes": [list(pair) for pair in sorted(whole.batch_sizes.items())],
            "cache": _sharing(whole.caches),
            "dropped": dict(whole.dropped),
            "limiter": dict(whole.limiter),
            **_use(whole.keys),
            "last_errors": [_told(error, now) for error in reversed(self._errors)],
        }

    def _each_second(self, second: int) -> list[int]:
        counts = {tally.second: tally.statuses.total() for tally in self._seconds}
        return [counts.get(second - ago, 0) for ago in range(WINDOW_S - 1, -1, -1)]


def _asks(record: Record) -> bool:
    return record.method == "POST" and record.endpoint.startswith("/v1/")


def _error(record: Record, now: float) -> dict[str, Any]:
    return {
        "at": now,
        "request_id": record.request_id,
        "endpoint": record.endpoint,
        "status": record.status,
        "code": record.code[:64],
        "key": record.caller,
    }


def _told(error: dict[str, Any], now: float) -> dict[str, Any]:
    """With its time as Unix time, which is only to be printed, and as seconds ago."""
    ago = now - error["at"]
    return {**error, "at": time.time() - ago, "ago_s": ago}


def _requests(whole: Tally, window: float) -> dict[str, Any]:
    count = whole.statuses.total()
    by_status = {str(status): number for status, number in sorted(whole.statuses.items())}
    return {"n": count, "per_s": count / window, "by_status": by_status, "broken": whole.broken}


def _length(sketch: Sketch) -> dict[str, Any]:
    return {"n": sketch.n, **{f"p{percent}": sketch.percentile(percent) for percent in _PERCENTS}}


def _sharing(caches: Counter[str]) -> dict[str, Any]:
    """Shares are None where there was nothing to share."""
    hits, misses, joined = caches["hit"], caches["miss"] + caches["partial"], caches["coalesced"]
    looked = hits + misses + joined
    return {
        "hits": hits,
        "misses": misses,
        "coalesced": joined,
        "bypassed": caches["bypass"],
        "hit_rate": hits / looked if looked else None,
        "coalesced_rate": joined / looked if looked else None,
    }


def _use(keys: dict[str, Use]) -> dict[str, Any]:
    ordered = sorted(keys.items(), key=lambda pair: (-pair[1].requests, pair[0]))
    rows = [{"name": name, **asdict(use)} for name, use in ordered[:KEYS]]
    return {"keys": rows, "keys_left_out": len(ordered) - len(rows)}
