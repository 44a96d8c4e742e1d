"""The parts of a request's time in the server: they sum exactly, and are the harness's."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.calls import Asked, ask, asked, chat
from tests.gateways import dry_run, gateway
from tests.harness.rows import frame, row
from vgate.harness import server_records
from vgate.harness.metrics import parts as harness
from vgate.observe import parts
from vgate.observe.parts import PARTS, UNDIVIDED, parts_us, server_timing
from vgate.observe.recorder import row as server_row
from vgate.record import Record
from vgate.types import EngineSpan

moment = st.none() | st.floats(-5, 30)


def record(**stamps: Any) -> Record:
    return Record("r", "/v1/chat/completions", "POST", 10.0, **stamps)


def generated(**changes: Any) -> Record:
    span = EngineSpan(queued=10.010, scheduled=10.011, first_token=10.030, last_token=10.1)
    stamps: dict[str, Any] = {"queued": 10.001, "admitted": 10.007, "held_s": 0.004, "span": span}
    return record(**(stamps | changes))


def test_the_words_are_those_of_the_harness() -> None:
    assert {"client", "wire", *PARTS} == set(harness.PARTS)


def test_each_part_lies_between_its_two_stamps() -> None:
    assert parts_us(generated(), 10.102) == {
        "gateway": 1000 + 2000, "queue": 2000, "batch_wait": 4000, "engine_queue": 4000, "prefill": 19000,
        "decode": 70000,
    }  # fmt: skip


def test_of_what_is_under_way_so_much_as_has_happened() -> None:
    """The first byte of a stream goes out at 10.032."""
    found = parts_us(generated(), 10.032)
    assert (found["prefill"], found["decode"], sum(found.values())) == (19000, 2000, 32000)


def test_an_answer_from_the_cache_or_refused_at_once_is_all_gateway() -> None:
    assert parts_us(record(cache="hit"), 10.005) == {**dict.fromkeys(PARTS, 0), "gateway": 5000}


def test_one_refused_while_it_waited_has_no_engine() -> None:
    found = parts_us(record(queued=10.001, held_s=0.002), 10.005)
    assert found == {**dict.fromkeys(PARTS, 0), "gateway": 1000, "queue": 2000, "batch_wait": 2000}


def test_an_engine_that_does_not_tell_is_one_part() -> None:
    for span in (None, EngineSpan()):
        found = parts_us(generated(span=span), 10.107)
        assert found == {"gateway": 1000, "queue": 2000, "batch_wait": 4000, UNDIVIDED: 100_000}


def test_a_joined_answer_has_the_parts_of_what_it_follows_from_its_arrival_on() -> None:
    joined = record(cache="coalesced", followed=generated())
    joined.arrived = 10.020
    assert parts_us(joined, 10.102) == {**dict.fromkeys(PARTS, 0), "gateway": 2000, "prefill": 10000, "decode": 70000}
    joined.arrived = 10.004
    found = parts_us(joined, 10.102)
    assert (found["queue"], found["batch_wait"]) == (1000, 2000), "its share of what the whole wait was held"


@given(st.tuples(*[moment] * 5), st.floats(-5, 5), st.floats(10, 30))
def test_no_part_is_negative_and_the_sum_is_exact_whatever_the_stamps(
    stamps: tuple[float | None, ...], held: float, end: float
) -> None:
    queued, admitted, scheduled, first, last = stamps
    span = EngineSpan(scheduled=scheduled, first_token=first, last_token=last)
    found = parts_us(record(queued=queued, admitted=admitted, held_s=held, span=span), end)
    assert min(found.values()) >= 0
    assert sum(found.values()) == round((end - 10.0) * 1e6)


def test_the_header_has_milliseconds_to_the_microsecond() -> None:
    assert server_timing(generated(), 10.102) == (
        "gateway;dur=3.000, queue;dur=2.000, batch_wait;dur=4.000, engine_queue;dur=4.000, prefill;dur=19.000, "
        "decode;dur=70.000"
    )


async def later(wait_s: float, gate: Any, asking: Asked) -> None:
    await asyncio.sleep(wait_s)
    asking.record.arrived = asyncio.get_running_loop().time()
    await ask(gate, asking.call, asking)


@pytest.mark.parametrize("batch", ["passthrough", "lockstep", "time_window", "token_budget", "adaptive"])
async def test_they_are_those_that_the_harness_computes_from_the_same_records(batch: str) -> None:
    """Some alone, some joined midway, some from the cache; whole and streamed."""
    engine = await dry_run(max_num_seqs=3)
    settings = {"max_batch_size": 4, "max_wait_time_ms": 20.0, "max_running": 3}
    gate = gateway(engine, batch, "lru", "single_flight", **settings)
    calls = [chat(f"{number % 7}", stream=number % 3 > 0, max_tokens=6) for number in range(24)]
    made = [asked(call) for call in calls]
    await asyncio.gather(*(later(0.013 * number, gate, asking) for number, asking in enumerate(made)))
    await asyncio.sleep(1)
    records = [asking.record for asking in made]
    assert {"miss", "coalesced"} <= {one.cache for one in records}
    for one, asking in zip(records, made, strict=True):
        one.finished, one.call_id = one.answered, asking.call.id
    lines = "\n".join(json.dumps(server_row(one)) for one in records)
    rows = frame(*(row(one.arrived * 1e3, 0, (one.answered * 1e3,), request_id=one.request_id) for one in records))
    wanted = harness.parts_ms(rows, server_records.frame(lines)).to_dict("records")
    for one, theirs in zip(records, wanted, strict=True):
        ours = {name: us / 1e3 for name, us in parts.parts_us(one, one.answered or 0).items()}
        assert ours == pytest.approx({name: theirs[name] for name in PARTS}, abs=0.01), one
    await engine.stop()
