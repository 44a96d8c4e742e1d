"""One trial's load, from the first warm-up request to the last answer."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import replace

import gevent
from gevent import Timeout
from gevent.event import AsyncResult
from gevent.pool import Group
from locust import User, task
from locust.env import Environment
from locust.exception import StopUser

from vgate.harness.driver.book import Book
from vgate.harness.driver.pacing import Pacer, waited_for_a_core_ns
from vgate.harness.driver.team import Team
from vgate.harness.driver.users import Asker, ClosedLoopUser, Draft
from vgate.harness.driver.wire import now
from vgate.harness.exchange import CUT_OFF
from vgate.harness.plan import Outcome, Plan
from vgate.load.base import Load
from vgate.workload.base import Slot

LOOK_EVERY_S = 0.005


class Session:
    """Implements `vgate.load.base.Driver` with Locust users.

    Warm-up, window and drain are one unbroken load: what changes is how a row counts, by its intended time.
    The load goes on until every request of the window has ended, those of the other processes of its team too, so the
    last of them see what the others saw.
    """

    def __init__(self, plan: Plan, team: Team, environment: Environment, asker: Asker, book: Book) -> None:
        self._plan = plan
        self._team = team
        self._environment = environment
        self._asker = asker
        self._book = book
        self._start = 0
        self._over = False
        self._arrivals = Group()
        self._users: Iterator[int] = iter(())
        self._open_until_end = ExitStack()
        self._broken: AsyncResult[None] = AsyncResult()
        environment.events.user_error.add_listener(self._on_user_error)

    def run(self, load: Load, start: int) -> Outcome:
        """Drive `load` to the plan's end; its offset 0 is the moment `start`.

        Returns when every request has ended or the drain limit is over.
        """
        self._start = start
        window_start, window_end, note = self._window(load)
        paperwork = gevent.spawn(self._book.work)
        paperwork.link_exception(self._on_greenlet_error)
        load.drive(self, self._plan.seed)
        outcome = self._watch_window(window_start, window_end)
        self._drain(window_end)
        paperwork.kill()
        return replace(outcome, note=note)

    def run_users(self, count: int) -> None:
        gevent.sleep(max(0.0, (self._start - now()) / 1e9))
        numbers = self._team.users(count)
        self._users = iter(numbers)
        self._run_locust(self._closed_user(), len(numbers))

    def run_schedule(self, offsets_s: Iterator[float]) -> None:
        session, pacer = self, self._open_until_end.enter_context(closing(Pacer()))

        class ArrivalUser(User):
            """One Locust user that stands for all arrivals of an open loop."""

            @task
            def keep_schedule(self) -> None:
                session._arrive(session._team.own(enumerate(offsets_s)), pacer)
                raise StopUser

        self._run_locust(ArrivalUser, 1)

    def _window(self, load: Load) -> tuple[int, int, str | None]:
        """Begin and end of the window. It ends with the plan if that is sooner, and a note says so.

        Else a trace that is too short would look like a low rate.
        """
        start = self._start + round(self._plan.warmup_s * 1e9)
        end = start + round(self._plan.duration_s * 1e9)
        plan_end = end if load.length_s is None else self._start + round(load.length_s * 1e9)
        if plan_end >= end:
            return start, end, None
        window = f"the window is {(plan_end - start) / 1e9:.1f} s long, not {self._plan.duration_s:g} s"
        return start, plan_end, f"The trace ended {load.length_s:.1f} s after its begin: {window}."

    def _run_locust(self, user: type[User], count: int) -> None:
        self._environment.user_classes = [user]
        self._environment.create_local_runner().start(count, spawn_rate=count)

    def _closed_user(self) -> type[User]:
        session = self

        class SessionUser(ClosedLoopUser):
            asker = self._asker

            def on_start(self) -> None:
                self.number = next(session._users)
                super().on_start()

            @task
            def chat(self) -> None:
                """All requests of this user in one task: Locust's task loop would lengthen every think time."""
                while not session._over:
                    self.ask_once()
                raise StopUser

            def do(self, draft: Draft) -> None:
                session._book.later(self.draft_next)
                session._do(draft)

        return SessionUser

    def _arrive(self, schedule: Iterator[tuple[int, float]], pacer: Pacer) -> None:
        """One arrival. It hands the schedule to a successor before it sends, so a slow answer delays no later send.

        A late send keeps its intended time, and none is dropped.
        """
        arrival = next(schedule, None)
        if arrival is None:
            return
        index, offset = arrival
        draft = self._asker.draft(Slot(None, index))
        draft.exchange.t_int = self._start + round(offset * 1e9)
        pacer.wait_until(draft.exchange.t_int)
        if self._over:
            return
        self._arrivals.spawn(self._arrive, schedule, pacer).link_exception(self._on_greenlet_error)
        self._do(draft)

    def _do(self, draft: Draft) -> None:
        self._book.open(draft.exchange)
        self._asker.ask(draft)
        self._book.close(draft.exchange)

    def _watch_window(self, start: int, end: int) -> Outcome:
        self._wait_until(start)
        cpu, waited, wall, utc = time.process_time_ns(), waited_for_a_core_ns(), now(), time.time()
        self._wait_until(end)
        used, lacked = time.process_time_ns() - cpu, waited_for_a_core_ns() - waited
        lasted = now() - wall
        return Outcome(start, end, round(used / lasted, 4), round(lacked / lasted, 4), utc)

    def _drain(self, window_end: int) -> None:
        limit = window_end + round(self._plan.drain_s * 1e9)
        while self._book.waiting_before(window_end) and now() < limit:
            gevent.sleep(LOOK_EVERY_S)
        self._team.say_drained()
        while not self._team.all_drained() and now() < limit:
            gevent.sleep(LOOK_EVERY_S)
        self._over = True
        self._wait_until(0)
        while self._book.waiting_before(limit) and now() < limit:
            gevent.sleep(LOOK_EVERY_S)
        self._book.finish(f"{CUT_OFF} {self._plan.drain_s:g} s after the window (trial.drain_s)")
        self._arrivals.kill()
        assert self._environment.runner is not None  # created when the load was driven
        self._environment.runner.quit()
        self._open_until_end.close()

    def _wait_until(self, moment: int) -> None:
        """Raises what a user's greenlet raised: a driver with a fault must not look like a slow server."""
        with suppress(Timeout):
            self._broken.get(timeout=max(0.0, (moment - now()) / 1e9))

    def _on_user_error(self, exception: BaseException, **_about: object) -> None:
        self._broken.set_exception(exception)

    def _on_greenlet_error(self, failed: gevent.Greenlet) -> None:
        self._broken.set_exception(failed.exception)
