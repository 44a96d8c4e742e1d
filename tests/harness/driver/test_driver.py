"""The driver tells the truth about servers whose truth is known."""

from collections.abc import Callable
from statistics import median

import pytest

from tests.harness.driver.conftest import Driven, GoldenServer, closed, poisson
from vgate.harness.metrics.itl import itl_ms
from vgate.harness.metrics.select import answered, in_window
from vgate.harness.metrics.tpot import tpot_ms
from vgate.harness.metrics.ttft import ttft_service_ms

Drive = Callable[..., Driven]
Golden = Callable[..., GoldenServer]


@pytest.mark.parametrize("bundle", [1, 3])
@pytest.mark.parametrize("make", [closed, poisson], ids=["closed", "poisson"])
def test_every_token_is_counted(drive: Drive, golden: Golden, make: Callable[..., object], bundle: int) -> None:
    """Client and server ledgers agree exactly, warm-up and drain included, however tokens are bundled."""
    server = golden(ttft_ms=20, itl_ms=2, bundle=bundle)
    rows = drive(server.url, make(4)).rows
    assert rows["error"].isna().all()
    assert rows["completion_tokens"].eq(8).all()
    assert rows["client_tokens"].eq(8 if bundle == 1 else 3).all()
    assert rows["completion_tokens"].sum() == server.tokens()


def test_stamps_are_never_early_and_hardly_late(drive: Drive, golden: Golden) -> None:
    """Against the server's own stamps on the same clock; the median is what a noisy machine lets one demand."""
    server = golden(ttft_ms=30, itl_ms=5)
    driven = drive(server.url, closed(3))
    truth = server.stamps()
    late = [
        stamp - written
        for row in driven.rows.itertuples()
        for stamp, written in zip(row.t_tok, truth[row.request_id]["written"], strict=True)
    ]
    # The server stamps just before it writes.
    assert min(late) > -1_000_000
    assert median(late) < 5_000_000
    sent_late = [truth[e.request_id]["received"] - (e.t_send or 0) for e in driven.exchanges]
    assert min(sent_late) > 0


def test_metrics_come_out_as_the_server_was_set(drive: Drive, golden: Golden) -> None:
    """Hardly below the truth; above it by what a noisy machine adds."""
    server = golden(ttft_ms=60, itl_ms=12)
    rows = answered(in_window(drive(server.url, closed(2), duration_s=2.0).rows))
    assert 60 <= median(ttft_service_ms(rows)) < 90
    assert 11 < median(tpot_ms(rows)) < 18
    assert 10 < median(itl_ms(rows)) < 18


def test_bundles_keep_tpot(drive: Drive, golden: Golden) -> None:
    """8 tokens as 2 + 2 + 2 + 2, so 60 ms from first to last; the sizes are not told, so the first counts as 1."""
    server = golden(ttft_ms=20, itl_ms=10, bundle=2)
    rows = answered(in_window(drive(server.url, closed(2)).rows))
    assert 8 < median(tpot_ms(rows)) < 9.9  # 60 / 7 is 8.6; with the true size, 60 / 6, it would be 10
    assert itl_ms(rows).empty


def test_a_closed_loop_user_is_due_when_its_answer_ended(drive: Drive, golden: Golden) -> None:
    driven = drive(golden(ttft_ms=20, itl_ms=1).url, closed(2))
    for user in ("user0", "user1"):
        own = sorted((e for e in driven.exchanges if e.name.startswith(f"{user}.")), key=lambda e: e.t_int)
        assert [e.name for e in own] == [f"{user}.{n}" for n in range(len(own))]
        assert len(own) > 10
        assert [e.t_int for e in own[1:]] == [e.t_end for e in own[:-1]]


def test_closed_loop_has_as_many_in_flight_as_users(drive: Drive, golden: Golden) -> None:
    window = drive(golden(ttft_ms=50, itl_ms=1).url, closed(5)).window
    for moment in sorted(e.t_send or 0 for e in window):
        assert sum((e.t_send or 0) <= moment < (e.t_end or 0) for e in window) <= 5


def test_an_open_loop_keeps_its_schedule_whatever_the_server_does(drive: Drive, golden: Golden) -> None:
    """Nothing is answered within the window, and still everything is sent when due."""
    from itertools import takewhile

    from vgate.load.poisson import Poisson

    driven = drive(golden(ttft_ms=2500, itl_ms=1).url, poisson(50.0), duration_s=2.0)
    assert min(e.t_end or 0 for e in driven.window) > driven.outcome.window_end
    start = driven.outcome.window_start - 200_000_000
    planned = [start + round(o * 1e9) for o in takewhile(lambda o: o < 2.2, Poisson(50.0).offsets_s(1))]
    sent = sorted(e.t_int for e in driven.exchanges)[: len(planned)]
    assert sent == planned
    assert median((e.t_send or 0) - e.t_int for e in driven.window) < 10_000_000


def test_the_window_is_drained_under_load(drive: Drive, golden: Golden) -> None:
    """Its last requests see what the others saw: new ones are sent until they have ended."""
    driven = drive(golden(ttft_ms=300, itl_ms=1).url, closed(3), duration_s=0.7)
    assert all(e.t_end for e in driven.window)
    assert any(e.t_int >= driven.outcome.window_end for e in driven.exchanges)
    last = max(e.t_end or 0 for e in driven.window)
    assert max(e.t_int for e in driven.exchanges) < last + 100_000_000


def test_what_the_drain_limit_cuts_is_an_error(drive: Drive, golden: Golden) -> None:
    driven = drive(golden(ttft_ms=60_000).url, closed(2), duration_s=0.3, drain_s=0.3)
    assert len(driven.exchanges) == 2
    assert {e.error for e in driven.exchanges} == {"unfinished 0.3 s after the window (trial.drain_s)"}
    assert {e.t_end for e in driven.exchanges} == {None}


def test_same_seed_same_requests(drive: Drive, golden: Golden) -> None:
    """The schedule's intended times, and the ids of the requests, repeat to the nanosecond."""
    server = golden(ttft_ms=5, itl_ms=0)
    runs = [drive(server.url, poisson(40.0)) for _ in range(2)]
    plans = [
        sorted(
            (e.t_int - run.outcome.window_start, e.request_id)
            for e in run.exchanges
            if e.t_int < run.outcome.window_end
        )
        for run in runs
    ]
    assert plans[0] == plans[1]
    assert len(plans[0]) > 20


def test_whole_answers(drive: Drive, golden: Golden) -> None:
    rows = drive(golden(ttft_ms=5, itl_ms=1).url, closed(2, stream=False)).rows
    assert rows["error"].isna().all()
    assert rows["completion_tokens"].eq(8).all()
    assert rows["t_tok"].map(len).eq(0).all()


def test_the_drivers_own_cost_is_known(drive: Drive, golden: Golden) -> None:
    assert 0 < drive(golden(ttft_ms=5, itl_ms=1).url, closed(2)).outcome.cpu_share < 1
